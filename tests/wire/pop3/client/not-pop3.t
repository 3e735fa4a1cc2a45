S: * OK IMAP4rev1
CLOSED
RESULT
C: end: retry the server sent what is no POP3 reply
