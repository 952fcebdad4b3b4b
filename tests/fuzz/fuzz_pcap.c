/* Capture files with anything in them: refused with a sentence, or every frame lies in the file. */
#include <stdlib.h>

#include "packet/packet.h"
#include "port/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture_frame *frames;
    size_t count, sum = 0;
    vs_error error = {0};
    int bad = capture_index(data, size, "fuzz", &frames, &count, &error);
    if (bad ? !error.text[0] || frames || count : error.code != 0)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (frames[i].size > PACKET_LARGE || frames[i].bytes < data || frames[i].bytes + frames[i].size > data + size)
            abort();
        sum += 16 + frames[i].size;
    }
    if (!bad && sum + 24 != size)
        abort();
    free(frames);
    return 0;
}
