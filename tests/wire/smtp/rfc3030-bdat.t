# RFC 3030 section 4.1 and 4.2: chunks, pipelined; every octet is data.
S: 220 ...
C: EHLO ymir.claremont.edu
S* 250-CHUNKING
S* 250 HELP
C: MAIL FROM:<Sam@Random.com>
S: 250 2.1.0 Sender ok
C: RCPT TO:<Susan@Random.com>
S: 250 2.1.5 Recipient ok
C: BDAT 17 LAST
C: To: Susan@R.com
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<ned@ymir.claremont.edu> BODY=BINARYMIME
C: RCPT TO:<gvaudre@cnri.reston.va.us>
C: RCPT TO:<jstewart@cnri.reston.va.us>
C: BDAT 14
C~ A: b\r\n\r\n\0\n.\r\xff
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.1.5 Recipient ok
C~ \r
S: 250 2.0.0 14 octets received
C: BDAT 3
C~ \n.\r
C: BDAT 0 LAST
S: 250 2.0.0 3 octets received
S: 250 2.0.0 Accepted, id ...
C: BDAT 3
C~ abc
S: 503 5.5.1 Send MAIL first
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <Sam@Random.com> to <Susan@Random.com> body=0 utf8=0 ret=0 size=17 received=0 8bit=00
S* To: Susan@R.com
S* == outcome 1
S: == message from <ned@ymir.claremont.edu> to <gvaudre@cnri.reston.va.us> to <jstewart@cnri.reston.va.us> body=2 utf8=0 ret=0 size=17 received=0 8bit=01
S* ...== outcome 1
