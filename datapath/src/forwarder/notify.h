/* Tells the service manager that we are ready, if there is one: sd_notify(3) in a few lines. */
#pragma once

/* Sends assignments such as "READY=1" to the socket that NOTIFY_SOCKET names.  Without one, or if nobody listens,
 * nothing happens. */
void notify_tell(const char *assignments);
