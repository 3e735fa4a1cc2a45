# RFC 4954 section 4: initial response, empty challenge, LOGIN's questions, cancel, broken base64, and everything behind a login.
SET kind=submission login=1 login_needs_tls=0 require_login=1
S: 220 ...
C: MAIL FROM:<a@demo.test>
S: 503 5.5.1 Send EHLO or HELO first
C: EHLO client.example.com
S* 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
S* 250 HELP
C: MAIL FROM:<a@demo.test>
S: 530 5.7.0 Authentication required
C: VRFY a
S: 530 5.7.0 Authentication required
C: AUTH
S: 501 5.5.4 Write AUTH mechanism [initial-response]
C: AUTH PLAIN
S: 334 
C: *
S: 501 5.7.0 Authentication cancelled
C: AUTH LOGIN
S: 334 VXNlciBOYW1l
C: YWxpY2VAZGVtby50ZXN0
S: 334 UGFzc3dvcmQ=
C: c2VjcmV0
S: 235 2.7.0 Authentication succeeded
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 421 4.7.0 Too many errors
CLOSED
