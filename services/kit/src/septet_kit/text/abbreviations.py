"""English abbreviations, in lower case and without the final full stop, and words that start sentences."""

from __future__ import annotations

_NEVER = """
adm approx attn c.f ca capt cf cmdr dr e.g esp gov hon i.e incl lt messrs mlle mme mr mrs ms mt prof rev sgt st supt
vs viz
"""
NEVER_LAST = frozenset(_NEVER.split())
"""Abbreviations that do not end a sentence: titles, and those that introduce something."""

_NUMBERED = "app art ch chap eq eqs fig figs no nos p par pp ref refs sec sect tab vol vols"
NUMBERED = frozenset(_NUMBERED.split())
"""Abbreviations before a number. As words (*no*, *figs*) they end sentences."""

_EITHER = """
al apr assn aug ave bldg blvd co col corp dec dept dist div ed eds est etc feb gen inc intl jan jr jul jun ltd mar
mfg nov oct ph.d rd rep sen sep sept sr univ
"""
EITHER = frozenset(_EITHER.split())
"""Abbreviations that end a sentence if a sentence starter follows. Initials (*J.*, *U.S.*, *a.m.*) are like them."""

_STARTERS = """
A After All Also Although An And Another Any As At Because Before Both But By Can Did Do Does During Each Even Every Few
First For From He Her Here His How However I If In Instead It Its Later Many More Most My Next No None Not Nobody Now
On Once One Only Or Other Others Our She Since So Some Soon Such That The Their Then There These They This Those Thus
To Today Two Under Until We What When Where Which While Who Why With Without Yes Yet You Your
"""
STARTERS = frozenset(_STARTERS.split())
