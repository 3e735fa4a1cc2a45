# RFC 5321 appendix D.4 and 3.5: VRFY and EXPN, at any time, also without EHLO (4.1.4). RFC 6531 3.7.4.2: UTF-8 only when asked for.
SET vrfy=1 expn=1 error_max=20
ANSWER vrfy Crispin done - Mark Crispin <Admin.MRC@foo.com>
ANSWER vrfy nobody refuse 5.1.1 No such user
ANSWER vrfy later retry 4.3.0 The directory is away
ANSWER vrfy joe done - José <jose@foo.com>
ANSWER expn Executive done - Fred <fred@foo.com>|Sam <sam@foo.com>|Mark <mark@foo.com>
ANSWER expn utf done - Jürgen <j@foo.com>
ANSWER expn none refuse 5.1.1 No such list
S: 220 ...
C: VRFY Crispin
S: 250 2.1.5 Mark Crispin <Admin.MRC@foo.com>
C: EHLO bar.com
S* 250-EXPN
S* 250 HELP
C: VRFY nobody
S: 550 5.1.1 No such user
C: VRFY later
S: 451 4.3.0 The directory is away
C: VRFY joe
S: 252 2.6.8 The answer needs SMTPUTF8; the recipient is fine
C: VRFY joe SMTPUTF8
S: 250 2.1.5 José <jose@foo.com>
C: VRFY
S: 501 5.5.4 Say whom: VRFY address
C: VRFY jos\xc3\xa9
S: 501 5.6.7 This name needs the parameter SMTPUTF8
C: EXPN Executive-Washroom-List
S: 250-2.1.5 Fred <fred@foo.com>
S: 250-2.1.5 Sam <sam@foo.com>
S: 250 2.1.5 Mark <mark@foo.com>
C: EXPN none
S: 550 5.1.1 No such list
C: EXPN
S: 501 5.5.4 Say which list: EXPN list
C: EXPN utf
S: 252 2.6.8 The answer needs SMTPUTF8; the list is fine
C: EXPN utf smtputf8
S: 250 2.1.5 Jürgen <j@foo.com>
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
