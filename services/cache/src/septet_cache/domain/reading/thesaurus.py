"""Synonyms and opposites.

A group of synonyms contains only words that are exchangeable in almost every question, because a wrong synonym can
cause a wrong answer. Opposites may be broader, because a wrong opposite only costs a hit.
"""

from __future__ import annotations

_ENGLISH_SYNONYMS = """
buy=purchase  begin=start  fast=quick=quickly=rapid=rapidly  big=large=huge  film=movie
picture=photo=image=photograph=pic  fix=repair=solve=resolve  choose=select=pick  happen=occur
required=needed=necessary=require=need  important=significant=importance=significance
difference=different=differ=distinction  advantage=benefit  disadvantage=drawback=downside=flaw
meaning=definition  method=way=approach  reason=cause  effect=impact=influence=consequence
increase=boost  decrease=reduce=lower  improve=enhance=upgrade  learn=study  country=nation  company=firm
kid=child  car=automobile  rich=wealthy  smart=intelligent=clever  hard=difficult=tough
dangerous=harmful=risky  safe=safely  cheap=inexpensive  expensive=costly  sick=ill  rupee=rs=inr
us=usa=america=american=u.s=u.s.a  uk=britain=british=u.k  india=indian  china=chinese  russia=russian
pakistan=pakistani  wifi=wi-fi  app=application  info=information  exam=examination=test
tip=advice=suggestion  favorite=favourite  color=colour  behavior=behaviour  center=centre
program=programme  organization=organisation  phone=smartphone=mobile  tv=television  ad=advertisement
bike=bicycle  fridge=refrigerator  doc=document  repo=repository  dir=directory=folder  delete=remove
obtain=get=receive  make=create=build=construct  finish=complete  earn=make  cost=price  salary=pay  job=career
lawyer=attorney  house=home  mom=mother  dad=father  pm=prime_minister  photo=picture  db=database
js=javascript  postgres=postgresql  k8s=kubernetes  py=python  regex=regexp  string=str  integer=int
dict=dictionary  param=parameter  arg=argument  func=function
speak=talk  cinema=film  recover=retrieve=restore  affordable=cheap=inexpensive
present=gift  okay=ok=fine=alright  porn=pornography  chimp=chimpanzee
main=major=primary=principal  everyday=daily  eliminate=eradicate  prolong=extend
weird=strange=odd  site=website  internet=online  pretty=beautiful
teach=instruct  hereditary=genetic  thought=view=opinion
individual=person=someone  allowed=permitted  prohibited=banned=forbidden
apartment=flat  vacation=holiday  taxi=cab  physician=doctor  gas=petrol
modify=change=alter=edit  cancel=annul  assist=help  locate=find
deliver=ship  delivery=shipping  refund=reimburse  bill=invoice  sign_up=register  login=log_in
verify=confirm  display=show  kill=murder  turn_on=switch_on  turn_off=switch_off
frequently=often  luggage=baggage
annual=yearly=annually
"""

_KOREAN_SYNONYMS = """
구매=구입=사  판매=팔  삭제=제거=지우  생성=만들  시작=개시  종료=끝내=끝  차이=차이점=다른점  방법=방식=법  이유=까닭  뜻=의미=정의  사진=이미지  영화=무비
휴대폰=핸드폰=스마트폰=폰  컴퓨터=컴  남자친구=남친  여자친구=여친  선생님=교사  학교=스쿨  음식=먹거리  파이썬=python  자바=java  자바스크립트=javascript
리스트=list=목록  문자열=string  딕셔너리=사전=dict=dictionary  함수=function  클래스=class  미국=usa=us=america
한국=대한민국=korea  일본=japan  중국=china  영국=uk  비용=가격=값  바꾸=변경  아내=와이프  자장면=짜장면  고치=수리  켜=키=틀  끄=꺼  홈페이지=웹사이트=사이트
분실=잃어버리  월급=봉급  카톡=카카오톡  앱=어플=애플리케이션  매월=매달  잠금=잠그
이메일=메일  비밀번호=비번=암호  아이디=id  에어컨=에어콘  티비=텔레비전=tv  알바=아르바이트
와이파이=wifi  어린이=아이  수정=변경  결제=지불  노인=어르신
"""

_ENGLISH_OPPOSITES = """
before/after  max/min  maximum/minimum  maximize/minimize  maximal/minimal  encode/decode
encoding/decoding  encrypt/decrypt  compress/decompress  serialize/deserialize  pack/unpack  first/last
open/close  start/stop  begin/end  start/end  start/finish  on/off  enable/disable  enabled/disabled
increase/decrease  raise/lower  gain/lose  win/lose  add/remove  add/delete  add/subtract  insert/delete
push/pop  push/pull  append/prepend  import/export  upload/download  input/output  read/write
send/receive  buy/sell  borrow/lend  install/uninstall  mount/unmount  lock/unlock  block/unblock
login/logout  log_in/log_out  sign_in/sign_out  connect/disconnect  attach/detach  join/leave
join/split  merge/split  show/hide  turn_on/turn_off  left/right  top/bottom  up/down  high/low
higher/lower  highest/lowest  large/small  larger/smaller  largest/smallest  big/small  biggest/smallest
long/short  longer/shorter  longest/shortest  tall/short  fast/slow  faster/slower  fastest/slowest
hot/cold  heat/cool  hard/easy  hard/soft  good/bad  best/worst  better/worse  rich/poor
cheap/expensive  cheapest/expensive  new/old  newest/oldest  young/old  youngest/oldest  early/late
earlier/later  earliest/latest  more/less  more/fewer  most/least  many/few  always/never  all/none
inside/outside  internal/external  public/private  male/female  man/woman  men/women  boy/girl
husband/wife  father/mother  son/daughter  brother/sister  king/queen  positive/negative
advantage/disadvantage  benefit/drawback  pro/con  pros/cons  strength/weakness  love/hate  like/dislike
accept/reject  accept/refuse  allow/forbid  allow/prevent  approve/reject  pass/fail  success/failure
succeed/fail  alive/dead  life/death  birth/death  born/died  teach/learn  teacher/student
employer/employee  doctor/patient  cause/effect  question/answer  ask/answer  client/server
local/global  local/remote  ascending/descending  horizontal/vertical  row/column  rows/columns
even/odd  true/false  synchronous/asynchronous  sync/async  mutable/immutable  static/dynamic
strong/weak  thick/thin  light/dark  light/heavy  day/night  morning/evening  summer/winter  north/south
east/west  northern/southern  eastern/western  front/back  forward/backward  domestic/foreign
legal/illegal  possible/impossible  safe/dangerous  healthy/unhealthy  save/spend  save/delete
credit/debit  deposit/withdraw  deposit/withdrawal  arrive/depart  arrival/departure  come/go  in/out
above/below  over/under  with/without  include/exclude  including/excluding  inclusive/exclusive
upper/lower  uppercase/lowercase  upgrade/downgrade  wide/narrow  full/empty  create/delete
create/destroy  attack/defend  gain/loss  profit/loss  demand/supply  theory/practice  superior/inferior
parent/child  ancestor/descendant  predecessor/successor  sender/receiver  source/destination
source/target  numerator/denominator  floor/ceiling  floor/ceil  gt/lt  get/set  getter/setter
request/response  producer/consumer  master/slave  leader/follower  stack/queue  signed/unsigned
prefix/suffix  precision/recall  accuracy/precision  mean/median
get/give  give/take  give/have  give/want  want/get  want/have  like/have  like/want  know/think  know/feel
say/think  go/have  ask/tell
"""

_KOREAN_OPPOSITES = """
이전/이후  전/후  앞/뒤  최대/최소  최댓값/최솟값  최대값/최소값  인코딩/디코딩  암호화/복호화  압축/해제  직렬화/역직렬화  처음/마지막  첫/마지막  열/닫  시작/종료
시작/끝  시작/중지  켜/끄  활성화/비활성화  증가/감소  늘리/줄이  높이/낮추  올리/내리  오르/내리  추가/삭제  추가/제거  삽입/삭제  생성/삭제  업로드/다운로드
입력/출력  읽/쓰  사/팔  구매/판매  매수/매도  설치/제거  잠그/풀  로그인/로그아웃  연결/해제  가입/탈퇴  왼쪽/오른쪽  위/아래  상위/하위  높/낮  크/작  길/짧
빠르/느리  뜨겁/차갑  덥/춥  쉽/어렵  좋/나쁘  장점/단점  싸/비싸  많/적  넓/좁  무겁/가볍  밝/어둡  두껍/얇  강하/약하  안/밖  내부/외부  공개/비공개
남자/여자  남성/여성  남편/아내  아버지/어머니  아들/딸  남친/여친  남자친구/여자친구  형/동생  긍정/부정  찬성/반대  사랑/미움  허용/금지  허용/차단  승인/거절
합격/불합격  성공/실패  삶/죽음  가르치/배우  원인/결과  질문/답  서버/클라이언트  오름차순/내림차순  가로/세로  행/열  짝수/홀수  참/거짓  동기/비동기  가변/불변
정적/동적  낮/밤  아침/저녁  여름/겨울  동쪽/서쪽  남쪽/북쪽  수입/수출  수입/지출  입금/출금  출발/도착  포함/제외  대문자/소문자  이익/손실  수요/공급  부모/자식
송신/수신  보내/받  빌리/갚  주/받  가/오  합법/불법  안전/위험  국내/해외  이상/이하  초과/미만  개인/단체  무료/유료  정밀도/재현율  행복/불행  만나/헤어지
결혼/이혼  많이/조금  많이/약간  이거/저거  이것/저것  이/저  나/너  저/너  내/네  누구/언제
"""


def _heads(groups: str) -> dict[str, str]:
    """Return the first word of each word's group. Groups with a common word are merged."""
    heads: dict[str, str] = {}
    for group in groups.split():
        words = group.split("=")
        head = next((heads[w] for w in words if w in heads), words[0])
        heads.update(dict.fromkeys(words, head))
    return heads


def _table(pairs: str) -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in pairs.split():
        first, second = pair.split("/")
        table.setdefault(first, set()).add(second)
        table.setdefault(second, set()).add(first)
    return {word: frozenset(others) for word, others in table.items()}


SYNONYMS = {"en": _heads(_ENGLISH_SYNONYMS), "ko": _heads(_KOREAN_SYNONYMS)}
OPPOSITES = {"en": _table(_ENGLISH_OPPOSITES), "ko": _table(_KOREAN_OPPOSITES)}
