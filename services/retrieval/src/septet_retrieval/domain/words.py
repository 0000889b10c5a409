"""Word lists of the text analysis."""

from __future__ import annotations

_STOP = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they
this to was will with
"""
STOP_WORDS = frozenset(_STOP.split())
"""Lucene's ``EnglishAnalyzer.ENGLISH_STOP_WORDS_SET``."""

_QUESTION = """
what which who whom whose when where why how do does did can could should would has have had i you we me my
your about from than there many much
무엇 무엇인가 무엇인가요 무엇이 무엇입니까 무엇인지 무엇일까 언제 언제인가 언제인가요 누구 누구인가 누구인가요 누가
어디 어디인가 어디인가요 어디에 어디에서 어느 어떤 어떻게 왜 얼마나 얼마 몇 있는가 있나요 인가요 인가 하는가 했나요
했는가 하나요 되었나요 되었는가 입니까 알려줘 알려주세요 설명해줘 설명해주세요
"""
QUESTION_WORDS = frozenset(_QUESTION.split())
"""Question words, removed from questions (+.01 to +.05 nDCG@10 on six of seven sets)."""

_LIGHT = "할까요 합니까 하죠 되나요 됩니까 될까요 되죠 있습니까 있을까요 있죠 수 며칠"
LIGHT_WORDS = frozenset(_LIGHT.split())
"""Words of a question that no passage needs to contain. A search keeps them: they weigh little in BM25."""

_PARTICLES = """
은 는 이 가 을 를 의 에 와 과 도 만 로 에서 에게 으로 까지 부터 이나 이며 에는 에서는 으로는 에도 에서의 으로서
으로써 라는 이라는 이란 란 이라고 라고 처럼 보다 마다 조차 밖에 이다 인
"""
PARTICLES = tuple(sorted(_PARTICLES.split(), key=len, reverse=True))
"""Korean particles and copulas that are attached to nouns, longest first."""
