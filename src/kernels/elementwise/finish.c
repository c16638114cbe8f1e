/* SPDX-License-Identifier: Apache-2.0
 * Which element-wise functions are clamps. */
#include "kernels/elementwise/finish.h"

#include <math.h>

bool cni_finish_clamp(cni_finish *finish, const cni_epilogue *epilogue)
{
    finish->clamps = false;
    if (!epilogue || epilogue->function == CNI_LINEAR) return true;
    double slope = 0, most = INFINITY;
    if (epilogue->function == CNI_RELU) {
        if (epilogue->c != 0 || epilogue->a < 0 || !(epilogue->b >= 0)) return false;
        slope = epilogue->a;
        most = epilogue->b;
    } else if (epilogue->function == CNI_RELU6) {
        most = 6;
    } else if (epilogue->function == CNI_LEAKY_RELU) {
        slope = epilogue->a;
    } else {
        return false;
    }
    finish->clamps = true;
    finish->slope = slope;
    finish->most = most;
    return true;
}
