"""Checks on nearly identical questions with different meanings, and on paraphrases."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from septet_cache.domain.reading import read
from septet_cache.domain.verify import align, run_checks


def failed(left: str, right: str) -> set[str]:
    a, b = read(left, None), read(right, None)
    assert a is not None
    assert b is not None
    return {c.name for c in run_checks(align(a, b)) if not c.passed}


DIFFERENT = [
    ("entities", "What does json.dumps do?", "What does json.dump do?"),
    ("direction", "How do I append to the left of a deque?", "How do I append to the right of a deque?"),
    ("direction", "How do I open a file for reading?", "How do I open a file for writing?"),
    ("aspect", "How do I use deque?", "How do I create a deque?"),
    ("aspect", "What is a deque?", "What is a deque used for?"),
    ("aspect", "What are the differences between list and tuple?", "What are list and tuple?"),
    ("direction", "Does bisect work on unsorted lists?", "Does bisect work on sorted lists?"),
    ("direction", "How do I round up?", "How do I round down?"),
    ("numbers", "When was Python 2 released?", "When was Python 3 released?"),
    ("order", "How do I convert bytes to str?", "How do I convert str to bytes?"),
    ("direction", "How do I remove the first item?", "How do I remove the last item?"),
    ("negation", "Is deque thread-safe?", "Is deque not thread-safe?"),
    ("content", "How do I make a generator?", "How do I make a general?"),
    ("question_type", "How is a deque implemented?", "Why is a deque implemented?"),
    ("direction", "Can I use asyncio with threads?", "Can I use asyncio without threads?"),
    ("aspect", "deque를 만드는 방법은?", "deque를 사용하는 방법은?"),
    ("content", "리스트를 정렬하는 방법은?", "리스트를 복사하는 방법은?"),
    ("negation", "환불은 며칠 안에 가능한가요?", "환불은 며칠 안에 불가능한가요?"),
    ("content", "배송은 얼마나 걸리나요?", "반품은 얼마나 걸리나요?"),
    ("direction", "회의는 9시 이전에 시작하나요?", "회의는 9시 이후에 시작하나요?"),
    ("direction", "최대 길이는 얼마인가요?", "최소 길이는 얼마인가요?"),
    ("order", "철수가 영희를 좋아하나요?", "영희가 철수를 좋아하나요?"),
    ("numbers", "3월 5일 일정이 뭐야?", "3월 6일 일정이 뭐야?"),
    ("content", "비밀번호를 변경하는 방법은?", "비밀번호를 찾는 방법은?"),
    ("numbers", "재택근무는 주 3일인가요?", "재택근무는 주 2일인가요?"),
    ("content", "한국의 수도는 어디인가요?", "일본의 수도는 어디인가요?"),
    ("question_type", "누가 파이썬을 만들었나요?", "언제 파이썬을 만들었나요?"),
    ("entities", "How do I install Django on Linux?", "How do I install Flask on Linux?"),
    ("entities", "What does json.dumps return?", "What does json.loads return?"),
    ("entities", "What are people like at Harbour Foods?", "What are people like at Orchard Foods?"),
    ("numbers", "How do I print a float with 2 decimals?", "How do I print a float with 3 decimals?"),
    ("numbers", "What is new in Python 3.10?", "What is new in Python 3.1?"),
    ("numbers", "Who won the world cup in 2014?", "Who won the world cup in 2018?"),
    ("numbers", "How long is 5 km?", "How long is 5 miles?"),
    ("numbers", "Who was the first president?", "Who was the third president?"),
    ("negation", "Why does my code compile?", "Why does my code not compile?"),
    ("negation", "Which list methods return a value?", "Which list methods don't return a value?"),
    ("negation", "Can I run it with a password?", "Can I run it without a password?"),
    ("direction", "What is the maximum of a list?", "What is the minimum of a list?"),
    ("direction", "How do I encode a string?", "How do I decode a string?"),
    ("direction", "What should I do before the interview?", "What should I do after the interview?"),
    ("direction", "How do I open a file?", "How do I close a file?"),
    ("direction", "Is it legal to record calls?", "Is it illegal to record calls?"),
    ("order", "How do I convert a list to a tuple?", "How do I convert a tuple to a list?"),
    ("order", "How do I fly from Seoul to Busan?", "How do I fly from Busan to Seoul?"),
    ("order", "Is Python faster than Java?", "Is Java faster than Python?"),
    ("order", "Did Brutus kill Caesar?", "Did Caesar kill Brutus?"),
    ("question_type", "When was Python released?", "Why was Python released?"),
    ("question_type", "How many threads does it start?", "How does it start threads?"),
    ("question_type", "Is sailing hard?", "Why is sailing hard?"),
    ("qualifiers", "Do I end my relationship today?", "Do I end my relationship tomorrow?"),
    ("qualifiers", "Should I quit my job?", "Can I quit my job?"),
    ("content", "How do I sort a list?", "How do I reverse a list?"),
    (
        "content",
        "What are applications of linear algebra in genetics?",
        "What are some applications of linear algebra?",
    ),
    ("negation", "파일을 삭제하면 복구할 수 있나요?", "파일을 삭제하면 복구할 수 없나요?"),
    ("negation", "이 함수는 왜 동작해?", "이 함수는 왜 동작하지 않아?"),
    ("numbers", "리스트에서 앞의 3개를 꺼내는 방법은?", "리스트에서 앞의 5개를 꺼내는 방법은?"),
    ("numbers", "두 번 실행하려면 어떻게 해?", "세 번 실행하려면 어떻게 해?"),
    ("order", "서울에서 부산까지 얼마나 걸려?", "부산에서 서울까지 얼마나 걸려?"),
    ("order", "리스트를 튜플로 변환하는 방법은?", "튜플을 리스트로 변환하는 방법은?"),
    ("direction", "문자열을 인코딩하는 방법은?", "문자열을 디코딩하는 방법은?"),
    ("direction", "시험 이전에 무엇을 해야 해?", "시험 이후에 무엇을 해야 해?"),
    ("question_type", "파이썬은 언제 만들어졌어?", "파이썬은 왜 만들어졌어?"),
    ("content", "사과를 보관하는 방법은?", "배추를 보관하는 방법은?"),
    ("entities", "json.loads는 무엇을 반환해?", "json.dumps는 무엇을 반환해?"),
    ("language", "What is a deque?", "deque란 무엇인가요?"),
    # One added modifier or head noun.
    ("content", "What discounts do college students get?", "What discounts do students get?"),
    ("content", "How do I order groceries online?", "How do I order groceries?"),
    ("content", "What is the largest city in Texas?", "What is the city in Texas?"),
    ("content", "What is enterprise mobility?", "What is enterprise mobility management?"),
    ("content", "학생 할인이 되나요?", "대학생 할인이 되나요?"),
    ("content", "온라인 강의는 어떻게 신청하나요?", "강의는 어떻게 신청하나요?"),
    ("content", "What are easy recipes for bread?", "What are recipes for bread?"),
    ("content", "How do I make easy bread?", "How do I make bread?"),
    ("qualifiers", "What are the best beaches in Goa?", "What are the beaches in Goa?"),
    ("qualifiers", "가장 큰 도시는 어디인가요?", "큰 도시는 어디인가요?"),
    ("direction", "How do I get blood?", "How do I give blood?"),
    ("direction", "약을 많이 먹으면 어떻게 되나요?", "약을 조금 먹으면 어떻게 되나요?"),
    # Nouns that look like a light word, or like a verb, with an ending.
    ("content", "거실 불 켜줘", "침실 불 켜줘"),
    ("content", "수신 알림을 끄는 방법은?", "발신 알림을 끄는 방법은?"),
    ("content", "이자 계산 방법은?", "원금 계산 방법은?"),
    ("content", "말 타는 방법은?", "소 타는 방법은?"),
    ("content", "사고 신고 방법은?", "사기 신고 방법은?"),
    ("content", "세탁기 청소 방법은?", "세탁 청소 방법은?"),
    ("content", "화장실 청소하고 싶어", "화장하고 청소하고 싶어"),
    ("content", "클라우디아의 여성형은 클라우디아인가요?", "클라우디오의 여성형은 클라우디아인가요?"),
    # Prohibition and the scope of a negation.
    ("negation", "촬영이 금지되나요?", "촬영이 되나요?"),
    ("negation", "반려동물 출입 금지인가요?", "반려동물 출입 가능한가요?"),
    ("negation", "Can non-members invite members?", "Can members invite non-members?"),
    # Words that changed places beside a coordination.
    ("order", "철수와 영희가 민수를 때렸나요?", "민수와 영희가 철수를 때렸나요?"),
    ("order", "철수가 영희와 싸워 이겼나요?", "영희가 철수와 싸워 이겼나요?"),
    ("order", "여름에 따뜻하고 겨울에 시원한가요?", "여름에 시원하고 겨울에 따뜻한가요?"),
    (
        "order",
        "Did Brutus kill Caesar between March and May?",
        "Did Caesar kill Brutus between March and May?",
    ),
    ("order", "Did Brutus and Cassius kill Caesar?", "Did Caesar and Cassius kill Brutus?"),
    (
        "order",
        "Was it renovated in May and completed in June?",
        "Was it completed in May and renovated in June?",
    ),
    ("order", "Is it the mother of the king?", "Is it the king of the mother?"),
    ("numbers", "Did it grow from 5 to 10 stores?", "Did it grow from 10 to 5 stores?"),
    ("numbers", "조선의 제13대 임금은 누구인가요?", "조선의 제16대 임금은 누구인가요?"),
    # A context that the question does not imply, and a period that is a time limit.
    ("entities", "I live in Germany. How do I get a visa?", "How do I get a visa?"),
    ("content", "I found a card, how do I report it?", "I lost a card, how do I report it?"),
    ("content", "I have a cat, how do I feed it?", "How do I feed my dog?"),
    ("question_type", "환불 기간은 얼마나 되나요?", "환불은 얼마나 걸리나요?"),
    # One noun exchanged, also in other wording.
    ("content", "거실 조명은 어떻게 꺼요?", "침실 조명은 어떻게 꺼요?"),
    ("content", "거실 조명은 어떻게 꺼요?", "침실 조명 끄는 방법을 알려 주세요"),
    ("content", "등록금은 어떻게 내나요?", "등록금 환불 방법이 뭐예요?"),
    ("content", "등록금은 어떻게 내나요?", "등록금 신청 방법이 뭐예요?"),
    ("content", "카드 신청은 어떻게 취소하나요?", "카드는 어떻게 취소하나요?"),
    ("content", "결제 확인은 어디서 하나요?", "결제는 어디서 하나요?"),
    ("content", "Where can I see my coupons?", "Where do I redeem my coupons?"),
    ("content", "How do I delete an API key?", "What is the process to create an API key?"),
    ("direction", "When does the library close?", "What are the opening hours of the library?"),
    # The act of the giver and that of the receiver.
    ("content", "교육받는 방법은?", "교육하는 방법은?"),
    ("content", "교육받는 방법은?", "교육 방법은?"),
    ("content", "메일 전송 방법은?", "메일 전송받는 방법은?"),
    ("content", "돈 송금 방법은?", "돈 송금받는 방법은?"),
    ("content", "대출 승인은 어디서 하나요?", "대출은 어디서 승인받나요?"),
    ("content", "자동차 수리 방법은?", "자동차를 수리받는 방법은?"),
    ("content", "쿠폰 발급 방법은?", "쿠폰을 발급받는 방법은?"),
    ("qualifiers", "입원하는 방법은?", "입원시키는 방법은?"),
    ("qualifiers", "대출을 승인하는 방법은?", "대출이 승인되는 방법은?"),
    ("order", "신청서는 어디에 보내나요?", "신청서는 어디서 보내나요?"),
    ("qualifiers", "문서를 보는 방법은?", "문서를 보여 주는 방법은?"),
    ("qualifiers", "해고한 사람은 누구인가요?", "해고된 사람은 누구인가요?"),
    ("qualifiers", "누가 승인하나요?", "누가 승인되나요?"),
    ("qualifiers", "Who hires?", "Who is hired?"),
    ("qualifiers", "How do I pay?", "How do I get paid?"),
    ("qualifiers", "How can I hire?", "How can I be hired?"),
    ("qualifiers", "How do I approve a loan?", "How do I get approved for a loan?"),
    # Words that are synonyms in some questions only.
    ("content", "단위 변환 방법은?", "단위 변경 방법은?"),
    ("content", "직업 상담은 어디서 하나요?", "직장 상담은 어디서 하나요?"),
    ("content", "기계 학습 방법은?", "기계 공부 방법은?"),
    ("content", "카페 영업 방법은?", "카페 운영 방법은?"),
    ("content", "인터넷 해지 방법은?", "온라인 해지 방법은?"),
    ("content", "버스에서 내리는 방법은?", "버스 인하 방법은?"),
    ("content", "본인 확인은 어떻게 하나요?", "본인 조회는 어떻게 하나요?"),
    ("content", "이벤트 상품은 언제 받나요?", "이벤트 제품은 언제 받나요?"),
    ("content", "서류 발송 방법은?", "서류 전송 방법은?"),
    ("content", "등록금 반환은 어떻게 하나요?", "등록금 반납은 어떻게 하나요?"),
    ("content", "소송 중단이란 무엇인가요?", "소송 중지란 무엇인가요?"),
    ("content", "How do I turn on my phone?", "How do I activate my phone?"),
    ("content", "How do I turn off my phone?", "How do I disable my phone?"),
    ("content", "How do I reduce paperwork?", "How do I reduce documents?"),
    ("content", "How do I split a parcel?", "How do I split a package?"),
    ("content", "What is a staff?", "What is an employee?"),
    # Words that are light in some questions only.
    ("content", "시 보조금 신청 방법은?", "보조금 신청 방법은?"),
    ("content", "시 청사는 어디에 있나요?", "청사는 어디에 있나요?"),
    ("content", "가입 시 취소 방법은?", "가입 취소 방법은?"),
    ("content", "영 유아 교육이란 무엇인가요?", "유아 교육이란 무엇인가요?"),
    ("content", "총 가격은 얼마인가요?", "가격은 얼마인가요?"),
    ("content", "보통 예금은 어떻게 해지하나요?", "예금은 어떻게 해지하나요?"),
    ("content", "발생 생물학이란 무엇인가요?", "생물학이란 무엇인가요?"),
    ("content", "당연히 상속되는 재산은 무엇인가요?", "상속되는 재산은 무엇인가요?"),
    ("content", "필요 조건이란 무엇인가요?", "조건이란 무엇인가요?"),
    ("content", "방법 특허는 어떻게 내나요?", "특허는 어떻게 내나요?"),
    ("content", "위치 추적은 어디서 하나요?", "추적은 어디서 하나요?"),
    ("content", "정보를 삭제하는 것은 무엇인가요?", "삭제하는 것은 무엇인가요?"),
    ("content", "시간 변경은 얼마나 걸리나요?", "변경은 얼마나 걸리나요?"),
    ("content", "수영 신청 방법은?", "수영 방법은?"),
    ("content", "충돌 해결 방법은?", "충돌 방법은?"),
    # Times in different units.
    ("content", "시험 날짜가 언제인가요?", "시험 시간이 언제인가요?"),
    ("content", "시험은 몇 시인가요?", "시험은 며칠인가요?"),
    ("content", "출근 일수는 얼마인가요?", "출근은 며칠인가요?"),
    ("question_type", "What time is the exam?", "What date is the exam?"),
    ("question_type", "What time does the exam start?", "What is the start date of the exam?"),
    ("content", "What is the opening date of the museum?", "What are the opening hours of the museum?"),
    ("qualifiers", "Until when is the pool open?", "When is the pool open?"),
    ("qualifiers", "From when is the pool open?", "When is the pool open?"),
    # A wish or a possibility that does not ask for the way.
    ("question_type", "집에 가고 싶어요", "집에 가는 방법을 알려 주세요"),
    ("qualifiers", "Where can I work?", "Where do I work?"),
    ("qualifiers", "When can I retire?", "When do I retire?"),
    ("content", "What is the process for hiring staff?", "How do I hire staff?"),
    # Verbs whose meaning depends on their object.
    ("content", "How do I book the revenue?", "How do I reserve the revenue?"),
    ("content", "Where do I check my coat?", "Where do I find my coat?"),
    ("content", "What are the best techniques for chess?", "What are the best strategies for chess?"),
]

SAME = [
    ("What does collections.deque do?", "What does the collections.deque class do?"),
    ("What is a deque?", "Can you explain what a deque is?"),
    ("What is a deque?", "what's a deque"),
    ("How do I read a CSV file?", "How can I read CSV files?"),
    ("How do I read a CSV file?", "What is the best way to read a csv file?"),
    ("How do I parse JSON from a string?", "How can I parse a JSON string?"),
    ("How do I create a temporary directory?", "How do I make a temporary directory?"),
    ("What does json.dumps do?", "What is the json.dumps function for?"),
    ("How many arguments does range take?", "What is the number of arguments that range takes?"),
    ("What is the difference between a list and a tuple?", "How does a list differ from a tuple?"),
    (
        "How can I measure execution time of small code snippets?",
        "How do I measure the execution time of small code snippets?",
    ),
    ("Which module computes hashes?", "What module computes hashes?"),
    ("리스트를 정렬하는 방법은 무엇인가요?", "리스트는 어떻게 정렬하나요?"),
    ("deque란 무엇인가요?", "deque가 뭐예요?"),
    ("환불은 며칠 안에 가능한가요?", "며칠 안에 환불이 가능한가요?"),
    ("환불 기간은 얼마나 되나요?", "환불 기간이 얼마나 됩니까?"),
    ("회사 휴가는 며칠이야?", "회사 휴가가 며칠인가요?"),
    ("서울의 인구는 얼마인가요?", "서울 인구는 얼마입니까?"),
    ("배송은 얼마나 걸리나요?", "배송은 얼마나 걸려요?"),
    ("How do I sort a list in Python?", "In Python, how can I sort a list?"),
    ("What is the best way to learn Python?", "How do I learn Python?"),
    ("What is a deque?", "what is the deque"),
    (
        "What's the difference between a list and a tuple?",
        "What is the difference between a tuple and a list?",
    ),
    ("How can I delete a file?", "How do I remove a file?"),
    ("Why can't I open the door?", "Why can I not open the door?"),
    ("What is 1,000 dollars in euros?", "What is $1000 in euros?"),
    ("Can you tell me how to reverse a string?", "How do I reverse a string?"),
    ("How is the colour of a pixel stored?", "How is the color of a pixel stored?"),
    ("리스트를 정렬하는 방법은?", "리스트를 어떻게 정렬하나요?"),
    ("파일을 삭제하려면 어떻게 해야 하나요?", "파일을 삭제하는 방법이 뭐예요?"),
    ("deque란 무엇인가요?", "deque는 뭐야?"),
    ("서울에서 부산까지 기차로 얼마나 걸려요?", "기차로 서울에서 부산까지 얼마나 걸리나요?"),
    # Context sentences.
    ("I forgot my password, how do I reset it?", "How do I reset my password?"),
    ("How do I reset my password? I forgot it.", "How can I reset my password?"),
    ("I want to cancel my order. How do I do that?", "How do I cancel my order?"),
    ("비밀번호를 잊어버렸는데 어떻게 재설정하나요?", "비밀번호는 어떻게 재설정하나요?"),
    # Equivalent question forms.
    ("Which city is the capital of France?", "What is the capital of France?"),
    ("What time does the store open?", "When does the store open?"),
    ("How much time does delivery take?", "How long does delivery take?"),
    ("What is the easiest way to learn Go?", "How do I learn Go?"),
    ("How do I log into Facebook?", "How do I log in to Facebook?"),
    ("What is the cost of shipping?", "How much does shipping cost?"),
    ("Is it possible to change my address?", "Can I change my address?"),
    ("What are the best beaches to visit in Goa?", "Which are the best beaches in Goa?"),
    ("배송 기간이 어떻게 되나요?", "배송은 얼마나 걸리나요?"),
    ("배송 소요 시간을 알려 주세요", "배송은 며칠 걸려요?"),
    ("입장 요금이 어떻게 되나요?", "입장 비용은 얼마인가요?"),
    ("매장 위치가 어떻게 되나요?", "매장은 어디에 있나요?"),
    ("환불이 되나요?", "환불 가능한가요?"),
    ("환불할 수 있나요?", "환불이 가능한지 알려주세요"),
    ("영업 시간이 어떻게 되나요?", "영업시간 알려주세요"),
    ("공부는 왜 해야 돼?", "공부를 해야 하는 이유가 뭐야?"),
    ("에어컨 켜줘", "에어컨 좀 켜 주실래요?"),
    ("회의실 예약 부탁해", "회의실을 예약해 줄 수 있어?"),
    # Orders of noun phrases, coordinations and compounds.
    ("How many annual leave days do I have?", "How many days of annual leave do I have?"),
    ("What is the API's rate limit?", "What is the rate limit of the API?"),
    ("How do I close my Facebook account?", "How do I close my account on Facebook?"),
    ("Which is better, Python or Java?", "Which is better, Java or Python?"),
    ("How does a list differ from a tuple?", "How does a tuple differ from a list?"),
    ("고양이와 강아지의 차이는 뭐야?", "강아지와 고양이의 차이는 뭐야?"),
    ("How do I set up wi-fi?", "How do I set up wifi?"),
    # Support questions.
    ("성적은 어디서 확인해요?", "성적 확인은 어디에서 하나요?"),
    ("수강 신청은 언제 시작해요?", "수강 신청 시작일이 언제인가요?"),
    ("API 키는 어디서 발급받나요?", "API 키 발급은 어디에서 할 수 있나요?"),
    ("팀원은 어떻게 초대해요?", "팀원을 초대하는 방법은 뭔가요?"),
    ("비행기 좌석을 바꾸고 싶어요", "비행기 좌석 변경은 어떻게 하나요?"),
    ("휴학하려면 어떻게 해야 해요?", "휴학 신청 방법이 궁금해요"),
    ("연차는 며칠인가요?", "연차 일수가 어떻게 되나요?"),
    ("예약을 취소하면 수수료가 있나요?", "예약 취소 시 수수료가 발생하나요?"),
    ("How do I request time off?", "What is the process to request time off?"),
    ("How do I file a claim?", "What is the procedure for filing a claim?"),
    ("How do I book a meeting room?", "How can I reserve a meeting room?"),
    ("Where can I check my grades?", "Where do I see my grades?"),
    ("When does registration start?", "What is the start date of registration?"),
    ("Is there a fee for cancelling?", "Is there a fee if I cancel?"),
    ("재택 근무 신청은 어떻게 하나요?", "재택근무 신청 방법이 뭐예요?"),
    ("돈을 송금하는 방법은?", "돈 송금은 어떻게 하나요?"),
    ("영업 시간이 어떻게 되나요?", "운영시간 알려주세요"),
    ("How do I get started with Go?", "How do I start with Go?"),
    ("여권은 어디서 재발급받나요?", "여권 재발급은 어디서 하나요?"),
    ("환불하면 위약금이 있나요?", "환불 시 위약금이 발생하나요?"),
    ("오류가 날 때 해결 방법은?", "오류가 날 때 어떻게 하나요?"),
    ("개강 날짜를 알려 주세요", "개강은 언제인가요?"),
    ("What is the process for cancelling a booking?", "How do I cancel a booking?"),
    ("What is the closing time of the pool?", "When does the pool close?"),
    ("What are the closing hours of the pool?", "When does the pool close?"),
    ("Where can I get a visa?", "Where do I get a visa?"),
]


#: Acts of a giver or a receiver.
NOUNS = (
    *("전송", "송금", "발송", "교육", "승인", "요청", "수리", "환불", "지급", "배송"),
    *("초대", "추천", "검사", "청구", "이체", "선물", "처방", "평가", "상담", "발급"),
)


@pytest.mark.parametrize(("check", "left", "right"), DIFFERENT)
def test_difference_fails_its_check(check: str, left: str, right: str) -> None:
    assert check in failed(left, right)
    assert check in failed(right, left)


@pytest.mark.parametrize("voice", ["받는", "되는", "시키는", "당하는"])
@pytest.mark.parametrize("noun", NOUNS)
def test_act_of_another_party_fails_a_check(noun: str, voice: str) -> None:
    for act in (f"{noun} 방법은?", f"{noun}하는 방법은?"):
        other = f"{noun}{voice} 방법은?"
        assert failed(act, other) <= {"content", "qualifiers"}
        assert failed(act, other)
        assert failed(other, act)


@pytest.mark.parametrize(("left", "right"), SAME)
def test_paraphrases_pass_all_checks(left: str, right: str) -> None:
    assert failed(left, right) == set()
    assert failed(right, left) == set()


@pytest.mark.parametrize("half", ["test", "development"])
def test_no_handmade_opposite_passes_all_checks(half: str) -> None:
    file = Path(__file__).parents[3] / "benchmarks/cache/handmade" / f"{half}.tsv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    different = [(r["left"], r["right"]) for r in rows if r["meaning"] == "different"]
    assert len(different) > 100
    assert [(a, b) for a, b in different if not failed(a, b) or not failed(b, a)] == []


@pytest.mark.parametrize("text", [t for _, a, b in DIFFERENT for t in (a, b)])
def test_question_passes_all_checks_with_itself(text: str) -> None:
    assert failed(text, text) == set()


@pytest.mark.parametrize(
    ("text", "language"),
    [("Was ist ein Stapel?", "de"), ("デックとは何ですか", "ja"), ("12 + 30 = ?", None), ("", None)],
)
def test_language_without_a_reader_is_not_read(text: str, language: str | None) -> None:
    assert read(text, language) is None
