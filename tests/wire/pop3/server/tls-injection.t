# A command behind STLS, before its answer, is an attempt to have it run under TLS.
WHOLE-ONLY
S: +OK mail.demo.test POP3 ready
C: STLS
C: USER mallory@demo.test
S: -ERR Input came before the answer to STLS
CLOSED
