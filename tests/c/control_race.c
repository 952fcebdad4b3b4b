/* A race made on purpose: a packet given back by a thread that does not own its pool, as a poll thread works with it.
 *
 * No test: the control of those that run over -fsanitize=thread.  Where this is not reported, their silence means
 * nothing.
 */
#include <pthread.h>

#include "packet/packet.h"

enum { TURNS = 1000 };

static void *poll_thread(void *pool)
{
    for (unsigned i = 0; i < TURNS; i++)
        packet_release(packet_new(pool, 60));
    return NULL;
}

int main(void)
{
    pthread_t thread;
    struct packet_pool *pool = packet_pool_new(TURNS, 0);
    struct packet *foreign = packet_new(pool, 60);
    if (pthread_create(&thread, NULL, poll_thread, pool))
        return 1;
    packet_release(foreign);
    pthread_join(thread, NULL);
    return 0;
}
