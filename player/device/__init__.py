"""What this box can do. An ability that is not there is an answer (`Absent`), not an exception."""
