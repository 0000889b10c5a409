// Texts of the page in the languages of the project.
const TEXTS = {
  en: {
    traces: "traces", skip: "Skip to the traces", searchLabel: "Request, conversation or trace id",
    service: "Service", allServices: "All services", find: "Find", loading: "Loading…",
    latest: "Latest traces", found: (n) => `${n} ${n === 1 ? "trace" : "traces"}`,
    none: "No trace yet. Ask a question, for example with: septet ask \"What does asyncio.gather return?\"",
    notFound: (q) => `Nothing found for “${q}”. A trace appears a second or two after its request ends.`,
    spans: (n) => `${n} ${n === 1 ? "span" : "spans"}`, errors: (n) => `${n} ${n === 1 ? "error" : "errors"}`,
    duration: "Duration", started: "Started", services: "Services", trace: "Trace", request: "Request",
    error: "error", orphan: "its parent span is missing", attributes: "Attributes", events: "Events",
    errorsTitle: "Errors", resource: "Process", links: "Links", copy: "Copy", copied: "Copied", expandAll: "Open all", collapseAll: "Close all",
    failed: (why) => `The traces could not be read: ${why}`, back: "All traces", startsAt: "starts at", span: "Span",
    timeline: "Spans of this trace, by start", refresh: "Refresh",
  },
  ko: {
    traces: "추적", skip: "추적으로 건너뛰기", searchLabel: "요청, 대화 또는 추적 ID",
    service: "서비스", allServices: "모든 서비스", find: "찾기", loading: "불러오는 중…",
    latest: "최근 추적", found: (n) => `추적 ${n}건`,
    none: "아직 추적이 없습니다. 질문해 보세요. 예: septet ask \"asyncio.gather는 무엇을 반환하나요?\"",
    notFound: (q) => `“${q}”에 대한 결과가 없습니다. 추적은 요청이 끝나고 1–2초 뒤에 나타납니다.`,
    spans: (n) => `스팬 ${n}개`, errors: (n) => `오류 ${n}개`,
    duration: "소요 시간", started: "시작", services: "서비스", trace: "추적", request: "요청",
    error: "오류", orphan: "상위 스팬이 없습니다", attributes: "속성", events: "이벤트",
    errorsTitle: "오류", resource: "프로세스", links: "링크", copy: "복사", copied: "복사됨", expandAll: "모두 펼치기", collapseAll: "모두 접기",
    failed: (why) => `추적을 읽지 못했습니다: ${why}`, back: "모든 추적", startsAt: "시작 시점", span: "스팬",
    timeline: "이 추적의 스팬(시작 순)", refresh: "새로 고침",
  },
};

export const language = (navigator.language || "en").toLowerCase().startsWith("ko") ? "ko" : "en";
export const t = TEXTS[language];
