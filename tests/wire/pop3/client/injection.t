# A password with a line end would be a command.
SET bad-password
S: +OK ready
CLOSED
RESULT
C: end: refuse the user name or the password is empty, too long, or holds a line end
