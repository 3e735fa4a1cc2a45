# RFC 3030 2: a chunk is read whatever becomes of it; only RSET leads on; DATA and BDAT do not mix.
SET message_max=20 error_max=20
S: 220 ...
C: BDAT 4
C~ QUIT
S: 503 5.5.1 Send EHLO first
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
C: BDAT 6
C~ RSET\r\n
S: 250 2.1.0 Sender ok
S: 554 5.5.1 No valid recipients
C: RCPT TO:<c@d.example>
C: BDAT 9
C~ A: b\r\n\r\nx
S: 250 2.1.5 Recipient ok
S: 250 2.0.0 9 octets received
C: DATA
S: 503 5.5.1 Send MAIL and RCPT first, and do not mix DATA with BDAT
C: RCPT TO:<e@d.example>
S: 503 5.5.1 Send MAIL first; no RCPT stands behind BDAT
C: MAIL FROM:<a@b.example>
S: 503 5.5.1 A transaction is open; finish it or send RSET
C: BDAT 12
C: ..........
C: BDAT 4 LAST
C~ QUIT
S: 552 5.3.4 The message is larger than this server takes
S: 503 5.5.1 An earlier chunk failed; send RSET
C: BDAT 1
C~ x
S: 503 5.5.1 Send MAIL first
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: BDAT 3
C~ abc
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.0.0 3 octets received
C: RSET
S: 250 2.0.0 Forgotten
C: MAIL FROM:<a@b.example> BODY=BINARYMIME
C: RCPT TO:<c@d.example>
C: DATA
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 503 5.5.1 BODY=BINARYMIME is sent with BDAT
C: BDAT 3 LAST
C~ abc
S: 250 2.0.0 Accepted, id ...
C: BDAT x LAST
S: 501 5.5.4 Write BDAT size [LAST]; closing, since the end of the chunk is unknown
CLOSED
RESULT
S: == message from <a@b.example> to <c@d.example> body=2 utf8=0 ret=0 size=3 received=0 8bit=00
S* 
S: abc== outcome 1
