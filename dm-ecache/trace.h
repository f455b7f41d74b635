/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of dm-ecache. No key and no part of one is ever among their fields; switched off,
 * each is a jump label.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ecache

#if !defined(DM_ECACHE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DM_ECACHE_TRACE_H

#include <linux/bio.h>
#include <linux/blktrace_api.h>
#include <linux/tracepoint.h>

#define show_ecache_state(state)			\
	__print_symbolic(state,				\
			 { 0, "LOCKED" },		\
			 { 1, "ACTIVE" },		\
			 { 2, "REVOKING" },		\
			 { 3, "REVOKED" })

#define show_ecache_reason(reason)			\
	__print_symbolic(reason,			\
			 { 0, "new" },			\
			 { 1, "key-set" },		\
			 { 2, "key-wipe" },		\
			 { 3, "key-revoke" },		\
			 { 4, "lease-expired" },	\
			 { 5, "hibernation" })

/* The volume's state became @state because of @reason. */
TRACE_EVENT(ecache_key_state,
	    TP_PROTO(dev_t dev, int state, int reason, u64 epoch),
	    TP_ARGS(dev, state, reason, epoch),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(int, state)
			     __field(int, reason)
			     __field(u64, epoch)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->state = state;
			   __entry->reason = reason;
			   __entry->epoch = epoch;),
	    TP_printk("%d,%d %s reason %s epoch %llu", MAJOR(__entry->dev), MINOR(__entry->dev),
		      show_ecache_state(__entry->state), show_ecache_reason(__entry->reason),
		      __entry->epoch)
);

/* A read or write that found a key enters; its sector is the one on the mapped device. */
TRACE_EVENT(ecache_io_start,
	    TP_PROTO(dev_t dev, struct bio *bio, u64 epoch),
	    TP_ARGS(dev, bio, epoch),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(sector_t, sector)
			     __field(unsigned int, bytes)
			     __field(bool, write)
			     __field(u64, epoch)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->sector = bio->bi_iter.bi_sector;
			   __entry->bytes = bio->bi_iter.bi_size;
			   __entry->write = bio_data_dir(bio) == WRITE;
			   __entry->epoch = epoch;),
	    TP_printk("%d,%d %s %llu + %u epoch %llu", MAJOR(__entry->dev), MINOR(__entry->dev),
		      __entry->write ? "write" : "read", (unsigned long long)__entry->sector,
		      __entry->bytes, __entry->epoch)
);

/* It ends; its sector is the one on the device below. */
TRACE_EVENT(ecache_io_done,
	    TP_PROTO(dev_t dev, struct bio *bio, const struct bvec_iter *iter),
	    TP_ARGS(dev, bio, iter),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(sector_t, sector)
			     __field(unsigned int, bytes)
			     __field(bool, write)
			     __field(int, error)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->sector = iter->bi_sector;
			   __entry->bytes = iter->bi_size;
			   __entry->write = bio_data_dir(bio) == WRITE;
			   __entry->error = blk_status_to_errno(bio->bi_status);),
	    TP_printk("%d,%d %s %llu + %u error %d", MAJOR(__entry->dev), MINOR(__entry->dev),
		      __entry->write ? "write" : "read", (unsigned long long)__entry->sector,
		      __entry->bytes, __entry->error)
);

/* A `key revoke` that changed something returns: @state is REVOKED, or REVOKING for a while. */
TRACE_EVENT(ecache_revoke,
	    TP_PROTO(dev_t dev, int state),
	    TP_ARGS(dev, state),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(int, state)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->state = state;),
	    TP_printk("%d,%d %s", MAJOR(__entry->dev), MINOR(__entry->dev),
		      show_ecache_state(__entry->state))
);

/* An accelerator did not answer in time: cpu does its work from now on. */
TRACE_EVENT(ecache_accel_demote,
	    TP_PROTO(dev_t dev, const char *driver, unsigned int pending),
	    TP_ARGS(dev, driver, pending),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __array(char, driver, CRYPTO_MAX_ALG_NAME)
			     __field(unsigned int, pending)),
	    TP_fast_assign(__entry->dev = dev;
			   strscpy(__entry->driver, driver, CRYPTO_MAX_ALG_NAME);
			   __entry->pending = pending;),
	    TP_printk("%d,%d %s requests %u", MAJOR(__entry->dev), MINOR(__entry->dev),
		      __entry->driver, __entry->pending)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
