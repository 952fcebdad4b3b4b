/* The fds that the runner hands over, as the words of our command line. */
#pragma once

/* Close every fd but 0, 1, 2 and the `words`' (ends in NULL), which close on exec. -1 with errno. */
int keep_only(char **words);

/* Let the `words`' fds survive the next exec. -1 with errno. */
int hand_on(char **words);
