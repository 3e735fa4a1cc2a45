S: -ERR [SYS/TEMP] try later
CLOSED
RESULT
C: end: retry the server says: try later
