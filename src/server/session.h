/*
 * One `deployd --serve`: the client's channel, the store that is open, and
 * the loop that keeps both sides moving while something else is waited for.
 *
 * Until the switch a client that aborts or vanishes cancels what is going
 * on; from then on (session_detach()) it only watches.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/activate.h"
#include "server/config.h"
#include "server/intake.h"
#include "server/patience.h"
#include "server/store.h"
#include "wire/message.h"

/* A client that pings every 10 s and was not heard for so long is gone. */
#define SESSION_SILENCE_MS 60000
#define SESSION_PING_MS 10000
/* What is read ahead of who takes the frames. */
#define SESSION_READ_AHEAD (512 * 1024)

/* Why it is given up. */
enum session_end {
	SESSION_GOES_ON,
	SESSION_ABORTED, /* by the client */
	SESSION_GONE,    /* the client is */
	SESSION_TOLD     /* deployd was told to end, see term.h */
};

struct session {
	const struct config *config;
	struct channel client;
	struct store store;
	bool opened; /* the store is */
	struct intake intake;
	int place; /* place.h: one of max_sessions, or -1 */
	bool detached;
	bool answering;             /* the result is on its way */
	bool deaf;                  /* its frames are left for later */
	bool has_files;             /* those that still come are dropped */
	enum session_end cancelled; /* or SESSION_GOES_ON */
	int64_t heard, pinged;      /* io_now_ms() */
	struct patience patience;   /* over what the client owes */
	struct patience reading;    /* while others wait for it to read */
	bool full;                  /* by session_full() */
	uint64_t brought;           /* bytes on further channels */
	int64_t looked;             /* by session_busy() */
	uint64_t sent;              /* as seen last, and when that moved */
	int64_t moved;
	int log; /* logs/ID, or -1 */
	uint64_t logged;
	const char *stage; /* the one last announced */
};

void session_init(struct session *s, const struct config *c, int in, int out);
void session_release(struct session *s);

/*
 * Opens the store of an app that the key was found authorised for, and takes
 * a place.  With create what is missing is made; without, errno is ENOENT
 * where the app is not there, and the hint has the near miss.  command is as
 * of store_open().
 */
int session_open_app(struct session *s, const char *app, bool create,
	const char *command, struct error *err);
/* What is live, whatever happened: for the result. */
void session_name_live(const struct session *s, struct msg_result *r);

/*
 * One poll: moves bytes of the client's and the intake's channels, and looks
 * at the n descriptors of fds besides, for up to timeout ms.  Returns how
 * many of fds are ready, or -1 with err if the session is cancelled.
 */
int session_turn(struct session *s, struct pollfd *fds, int n, int timeout,
	struct error *err);
/*
 * The next frame of the client, waiting for it; pings are swallowed, an
 * abort cancels.  It is one that the client owes: who keeps us waiting for
 * too long is refused.  0, or -1 with err.
 */
int session_frame(struct session *s, struct frame *f, struct error *err);
/* A turn of somebody who waits for what the client owes. */
int session_await(struct session *s, struct pollfd *fds, int n,
	struct error *err);
/* The next frame without waiting: 1, 0 for none yet, -1. */
int session_poll_frame(struct session *s, struct frame *f, struct error *err);

/*
 * Whether the client has to read on before more is said.  Once that is so, it
 * is until half of what waits is gone: who hardly reads is seen to.
 */
bool session_full(struct session *s);
/*
 * Waits until it is not.  A client that does not read is given up where the
 * app or its switch is locked: after a minute, or as one that is too slow.
 */
int session_room(struct session *s, struct error *err);

/* For session_turn(): what the client does, and how long that may take. */
int session_watch(struct session *s, struct error *err);
/* Always -1. */
int session_cancel(struct session *s, enum session_end why, struct error *err);
/* The status for who asked for it; STATUS_INT only where the client did. */
enum status session_status(const struct session *s);

/* From here on the client only watches. */
void session_detach(struct session *s);
/*
 * While an earlier deploy is finished first, this client cannot cancel, and
 * what it has sent already is left for its own deploy.
 */
void session_recover(struct session *s, bool on);

void session_stage(struct session *s, const char *name);
void session_note(struct session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Begins logs/ID, where hook output goes besides to the client. */
int session_open_log(struct session *s, const char *id, struct error *err);

/* The session as who watches hooks and activations. */
struct activate_host session_host(struct session *s);
/*
 * For store_lock(): waits, serving the client; heeds an abort, but leaves its
 * frames for who takes them.
 */
int session_wait(void *arg, int ms);

/* A struct busy's turn; arg is the session.  Takes no frames either. */
int session_busy(void *arg, struct error *err);

/* Sends it and sees it off; from then on nothing that comes is heeded. */
void session_answer(struct session *s, const struct msg_result *r);
/*
 * Discards input until the client closes, 5 s at most: one that is still
 * sending would otherwise get an error instead of its answer.
 */
void session_linger(struct session *s);

/* Who it is for history: --as, else what the client claims. */
const char *session_who(const struct session *s, const char *user);

#endif
