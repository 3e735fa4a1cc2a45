// SPDX-License-Identifier: ISC
#include "smtp/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    drive_client(data, size);
    return 0;
}
