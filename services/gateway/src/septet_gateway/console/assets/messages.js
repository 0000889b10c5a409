// Message catalogues. Both languages have the same keys; a test compares them.
export const MESSAGES = {
  en: {
    title: "Septet", language: "Language", theme: "Theme", theme_auto: "System", theme_light: "Light", theme_dark: "Dark",
    key: "API key", sign_in: "Sign in", sign_out: "Sign out", sign_in_about: "Enter your API key once. This browser keeps a session and not the key.",
    key_refused: "The key was not accepted. Check it, or ask your administrator for a new one.",
    no_ask: "This key cannot ask questions. Ask your administrator for a key with the scope “ask”.",
    empty_title: "Ask about your documents", empty_about: "Answers come from the documents of “{tenant}”, with their sources.",
    question: "Question", caution: "Answers may be wrong. Check the sources.", send: "Send", stop: "Stop", conversation: "Conversation",
    you: "You", answering: "Answering…", done: "The answer is complete.", stopped: "The answer was stopped.",
    sources: "Sources", also: "Also retrieved", source_n: "Source {n}: {title}", close: "Close source", untitled: "Untitled",
    why: "Why?", copy: "Copy", copied: "Copied", again: "Ask again", dismiss: "Dismiss", show: "Show answer", useful: "Useful", not_useful: "Not useful",
    saved: "Saved.", feedback_failed: "The feedback was not saved. Try again.",
    b_generated: "Generated", b_quoted: "Quoted", b_cached: "From cache", b_checked: "Checked", b_unchecked: "Unchecked", b_abstained: "No answer found",
    b_blocked: "Blocked", b_refused: "Refused", b_degraded: "Limited", b_cancelled: "Stopped",
    w_verdict: "Check “{rail}”: {decision}", w_none: "No check reported a finding.", w_cached: "Matched question: {question}",
    rephrase: "Rephrase the question", e_network: "The connection was lost. Check your network and ask again.",
    e_session: "The session has ended. Sign in again.", e_busy: "The service is busy. Wait a moment and ask again.",
    e_other: "The question could not be answered. Ask again; if it fails again, give your administrator the id {id}.",
    new_conversation: "New conversation",
  },
  ko: {
    title: "Septet", language: "언어", theme: "테마", theme_auto: "시스템", theme_light: "밝게", theme_dark: "어둡게",
    key: "API 키", sign_in: "로그인", sign_out: "로그아웃", sign_in_about: "API 키를 한 번 입력하세요. 이 브라우저는 키가 아니라 세션만 보관합니다.",
    key_refused: "키가 올바르지 않습니다. 키를 확인하거나 관리자에게 새 키를 요청하세요.",
    no_ask: "이 키로는 질문할 수 없습니다. 관리자에게 “ask” 권한이 있는 키를 요청하세요.",
    empty_title: "문서에 대해 질문하세요", empty_about: "“{tenant}”의 문서에서 출처와 함께 답합니다.",
    question: "질문", caution: "답변이 틀릴 수 있습니다. 출처를 확인하세요.", send: "보내기", stop: "중지", conversation: "대화",
    you: "나", answering: "답변하는 중…", done: "답변이 완료되었습니다.", stopped: "답변을 중지했습니다.",
    sources: "출처", also: "함께 검색된 문서", source_n: "출처 {n}: {title}", close: "출처 닫기", untitled: "제목 없음",
    why: "이유", copy: "복사", copied: "복사됨", again: "다시 묻기", dismiss: "숨기기", show: "답변 보기", useful: "도움 됨", not_useful: "도움 안 됨",
    saved: "저장했습니다.", feedback_failed: "의견을 저장하지 못했습니다. 다시 시도하세요.",
    b_generated: "생성됨", b_quoted: "인용됨", b_cached: "캐시", b_checked: "검사함", b_unchecked: "검사 안 함", b_abstained: "답을 찾지 못함",
    b_blocked: "차단됨", b_refused: "거절됨", b_degraded: "제한됨", b_cancelled: "중지됨",
    w_verdict: "검사 “{rail}”: {decision}", w_none: "검사에서 발견된 문제가 없습니다.", w_cached: "일치한 질문: {question}",
    rephrase: "질문 바꾸기", e_network: "연결이 끊어졌습니다. 네트워크를 확인하고 다시 물어보세요.",
    e_session: "세션이 끝났습니다. 다시 로그인하세요.", e_busy: "요청이 많습니다. 잠시 후 다시 물어보세요.",
    e_other: "질문에 답하지 못했습니다. 다시 물어보고, 또 실패하면 관리자에게 ID {id}를 알려 주세요.",
    new_conversation: "새 대화",
  },
};

export function translator(language) {
  return (key, values = {}) => MESSAGES[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
