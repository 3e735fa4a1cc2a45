S: 220 ...
STOP
S: 421 4.3.2 The server is being stopped, try again later
CLOSED
