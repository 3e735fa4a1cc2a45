# Octets that no command may hold; APOP; what is not POP3 at all.
S: +OK mail.demo.test POP3 ready
C: USER \xff\xfe
S: -ERR That is not UTF-8, or holds control characters
C: LIST \xc3\xa4
S: -ERR Log in first
C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
S: -ERR APOP is not offered here, use AUTH
C: 
S: -ERR No such command; CAPA lists what there is
C: CAPA\x00
S: -ERR No such command; CAPA lists what there is
C: CAPA now
S: -ERR Too many errors
CLOSED
