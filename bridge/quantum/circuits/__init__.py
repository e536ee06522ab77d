"""Circuits on hardware: profiles, simulation, compiling, mitigation, calibration, a work queue.

Qiskit and its simulator are the extra ``circuits``; profiles themselves need neither.
"""
