// SPDX-License-Identifier: GPL-2.0
#include "dm-ecache.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
