/* SPDX-License-Identifier: Apache-2.0
 * A program of somebody who only has the installed library. */
#include <cornu/status.h>
#include <stdio.h>

int main(void)
{
    return puts(cn_status_name(CN_OK)) < 0;
}
