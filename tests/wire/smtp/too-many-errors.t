SET error_max=2
S: 220 ...
C: FROP
S: 500 5.5.1 No such command
C: FROP
S: 500 5.5.1 No such command
C: FROP
S: 421 4.7.0 Too many errors
CLOSED
