# A browser that was talked into posting to us: one line, then nothing more is read.
S: 220 ...
C: POST / HTTP/1.1
S: 554 5.5.1 This is SMTP
CLOSED
