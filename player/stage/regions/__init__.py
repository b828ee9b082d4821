"""What plays where: regions, their drivers, surfaces and transitions.

Imports `mark`, `plays`.
"""
