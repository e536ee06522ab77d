"""Does deployed code match its source, and what in it would a quantum computer break?"""
