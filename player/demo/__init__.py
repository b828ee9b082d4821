"""Servers in one process each, for demonstrations and tests, one room a kind; beside the rooms what they share.

`rest` answers in JSON, `store` remembers, `files` keeps bytes; `samples`, `scenes` and `artwork` draw the content that is shown.
"""
