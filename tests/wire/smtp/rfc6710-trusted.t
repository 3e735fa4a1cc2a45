# A client whose network is relayed for is trusted without a login; HELO knows no parameters.
SET priority_max=6 trusted=1
S: 220 ...
C: EHLO example.com
S* 250 HELP
C: MAIL FROM:<a@b.example> MT-PRIORITY=7
S: 250 2.3.6 6 is the new priority: a higher one is not for this sender
C: RSET
S: 250 2.0.0 Forgotten
C: MAIL FROM:<a@b.example> MT-PRIORITY=6
S: 250 2.1.0 Sender ok
C: HELO example.com
S: 250 ...
C: MAIL FROM:<a@b.example> MT-PRIORITY=1
S: 555 5.5.4 A parameter is unknown here or was not offered
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
