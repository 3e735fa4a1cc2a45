# Nothing comes for five minutes.
S: +OK ready
C: CAPA
WAIT 299999
WAIT 1
CLOSED
RESULT
C: end: retry the server did not answer in time
