SET transaction_max=1
S: 220 ...
C: EHLO a.example
S* 250-LIMITS RCPTMAX=10 MAILMAX=1
S: 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RSET
S: 250 2.0.0 Forgotten
C: MAIL FROM:<a@b.example>
S: 421 4.5.3 Enough messages for one connection, please open another
CLOSED
