# By default VRFY tells nothing and EXPN is off.
S: 220 ...
C: EHLO bar.com
S* 250 HELP
C: VRFY Crispin
S: 252 2.5.0 Send some mail, it will be tried
C: EXPN Executive-Washroom-List
S: 502 5.7.2 Lists are not told here
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
