/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_PROTO_H
#define DM_ECACHE_PROTO_H

/* What one file has for the others; included by dm-ecache.h alone. */

/* table.c */
int ecache_parse(struct ecache_target *et, unsigned int argc, char **argv, const char **dev, char **error);
unsigned int ecache_emit(const struct ecache_target *et, const char *dev, char *result, unsigned int maxlen);

/* target.c */
int ecache_ctr(struct dm_target *ti, unsigned int argc, char **argv);
void ecache_dtr(struct dm_target *ti);
void ecache_io_hints(struct dm_target *ti, struct queue_limits *limits);
void ecache_resume(struct dm_target *ti);

/* cipher.c */
const struct ecache_cipher *ecache_cipher_find(const char *name);
bool ecache_cipher_takes_key(const struct ecache_cipher *cipher, unsigned int size);
struct ecache_essiv *ecache_essiv_alloc(const u8 *key, unsigned int size);
void ecache_essiv_free(struct ecache_essiv *essiv);
void ecache_essiv_iv(const struct ecache_essiv *essiv, __le64 iv[]);

/* engine.c */
const struct ecache_engine *ecache_engine_find(const char *name, char **error);

/* volume.c */
struct ecache_volume *ecache_volume_get(struct mapped_device *md, const struct ecache_target *et, char **error);
void ecache_volume_put(struct ecache_volume *vol);
void ecache_volume_hold(struct ecache_volume *vol);
void ecache_volume_release(struct ecache_volume *vol);
void ecache_volume_for_each(void (*fn)(struct ecache_volume *vol));

/* state.c */
const char *ecache_state_name(enum ecache_state state);
const char *ecache_reason_name(enum ecache_reason reason);
int ecache_volume_set_key(struct ecache_target *et, const u8 *key, unsigned int size, const char **why);
int ecache_volume_end_key(struct ecache_volume *vol, enum ecache_reason reason);
int ecache_volume_revoke(struct ecache_volume *vol);
void ecache_volume_unpublish(struct ecache_volume *vol, enum ecache_state next, enum ecache_reason reason);
void ecache_dying_work(struct work_struct *work);

/* lease.c */
void ecache_lease_init(struct ecache_volume *vol);
void ecache_lease_start(struct ecache_volume *vol, unsigned int seconds);
void ecache_lease_exit(struct ecache_volume *vol);
int ecache_lease_renew(struct ecache_volume *vol, unsigned int seconds, const char **why);
long long ecache_lease_left(const struct ecache_volume *vol);
int ecache_pm_init(void);
void ecache_pm_exit(void);

/* event.c */
void ecache_event(struct ecache_volume *vol);
void ecache_event_init(struct ecache_volume *vol);
void ecache_event_exit(struct ecache_volume *vol);
void ecache_event_join(struct ecache_target *et);
void ecache_event_leave(struct ecache_target *et);

/* hold.c */
int ecache_hold_setup(void);
void ecache_hold_teardown(void);
void ecache_hold_init(struct ecache_target *et);
void ecache_hold_exit(struct ecache_target *et);
bool ecache_hold(struct ecache_target *et, struct bio *bio);
bool ecache_hold_later(const struct ecache_target *et, const struct bio *bio);
void ecache_hold_resubmit(struct ecache_target *et);
void ecache_hold_fail(struct ecache_target *et);
void ecache_hold_start(struct ecache_target *et);
void ecache_presuspend(struct dm_target *ti);
void ecache_presuspend_undo(struct dm_target *ti);

/* key.c */
extern struct workqueue_struct *ecache_key_wq;
int ecache_key_init(void);
void ecache_key_exit(void);
struct ecache_key *ecache_key_alloc(struct ecache_volume *vol, const u8 *raw, const char **why);
void ecache_key_free(struct ecache_key *key);
void ecache_key_end(struct ecache_key *key);
struct ecache_key *ecache_key_hold(struct ecache_volume *vol, u64 epoch);
void ecache_hash_secret(const u8 *secret, unsigned int size, u8 digest[SHA256_DIGEST_SIZE]);
void ecache_key_id(const u8 *key, unsigned int size, u8 id[ECACHE_KEY_ID_SIZE]);
int ecache_key_parse(const char *arg, u8 *key, unsigned int size, bool logon_only, const char **why);

/* keyring.c */
int ecache_keyring_read(const char *type, const char *description, u8 *key, unsigned int size, const char **why);

/* map.c */
int ecache_map(struct dm_target *ti, struct bio *bio);
int ecache_map_held(struct ecache_target *et, struct bio *bio);

/* io.c */
int ecache_cpu_map(struct ecache_target *et, struct bio *bio, struct ecache_io *io);
void ecache_read_finish(struct ecache_io *io);
void ecache_write_hook(struct ecache_io *io, struct bio *bio);
void ecache_io_end(struct ecache_io *io, struct bio *bio);

/* parallel.c */
int ecache_parallel_init(void);
void ecache_parallel_exit(void);
bool ecache_parallel_wanted(unsigned int bytes);
void ecache_fork_start(struct ecache_fork *fork);
int ecache_fork_join(struct ecache_fork *fork);

/* defer.c */
int ecache_defer_init(void);
void ecache_defer_exit(void);
void ecache_defer_read(struct ecache_io *io);

/* page-stack.c */
struct page *ecache_page_pop(unsigned int order);
bool ecache_page_push(struct page *page, unsigned int order);
int ecache_page_stack_drain(unsigned int cpu);
int ecache_page_stack_init(void);
void ecache_page_stack_exit(void);

/* bounce.c */
int ecache_bounce_init(struct ecache_bounce_pool *pool);
void ecache_bounce_exit(struct ecache_bounce_pool *pool);
int ecache_bounce_get(struct ecache_volume *vol, struct ecache_bounce_pool *pool, struct ecache_bounce *bounce,
		      unsigned int bytes, bool nowait);
void ecache_bounce_put(struct ecache_bounce *bounce);
void ecache_bounce_move(struct ecache_bounce *to, struct ecache_bounce *from);

/* crypt-cpu.c */
struct crypto_sync_skcipher *ecache_cpu_alloc(const struct ecache_cipher *cipher);
const char *ecache_cpu_driver(struct crypto_sync_skcipher *tfm);
bool ecache_cpu_driver_is_slow(const struct ecache_cipher *cipher, struct crypto_sync_skcipher *tfm);
blk_status_t ecache_transform(struct ecache_target *et, struct ecache_cursor *cur, unsigned int bytes, u64 epoch,
			      bool may_resched);

/* accel-batch.c; the rest is in accel.h */
int ecache_accel_init(void);
void ecache_accel_exit(void);

/* message.c */
int ecache_message_run(struct ecache_target *et, unsigned int argc, char **argv, char *result, unsigned int maxlen,
		       const char **why);
int ecache_message(struct dm_target *ti, unsigned int argc, char **argv, char *result, unsigned int maxlen);

/* status.c */
void ecache_status(struct dm_target *ti, status_type_t type, unsigned int status_flags, char *result,
		   unsigned int maxlen);
unsigned int ecache_emit_info(struct ecache_volume *vol, char *result, unsigned int maxlen);

/* stats.c */
void ecache_stats_sum(const struct ecache_volume *vol, struct ecache_stats *sum);
void ecache_stats_latency(struct ecache_volume *vol, bool write, u64 start_ns);
unsigned int ecache_emit_stats(struct ecache_volume *vol, char *result, unsigned int maxlen);

#endif
