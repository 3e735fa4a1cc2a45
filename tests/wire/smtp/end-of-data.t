# RFC 5321 4.1.1.4: CRLF.CRLF and nothing else. Bare CR and LF become CRLF in what is kept; no lone dot line is made of them.
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: A: b
C: 
C~ one\n.\n
C~ two\r.\r
C~ three\n.\r\n
C~ four\r\n.\n
C~ five\r\n.\r
C~ six\r\n.\r\r\n
C~ seven\r\n.\0\r\n
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S* A: b
S: 
S: one
S: 
S: two
S: 
S: three
S: 
S: four
S: 
S: five
S: 
S: six
S: 
S: 
S: seven
S: ...
S: == outcome 1
