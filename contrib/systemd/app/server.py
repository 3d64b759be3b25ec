#!/usr/bin/python3
"""A web app that systemd starts with its socket open already.

systemd listens, and keeps listening while the app is restarted: who connects
meanwhile waits and is not refused.  On SIGTERM the app takes nothing new,
answers what it has begun, and exits.  `PORT=3000 python3 server.py` runs it
without systemd.
"""

import http.server
import os
import pathlib
import re
import signal
import socket
import string
import threading

VERSION = "1"

# The working directory is the release itself, also after `current` has moved
# on: one process never serves files of two releases.
RELEASE = os.path.basename(os.getcwd())


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10  # seconds; a silent client does not hold up a restart

    def do_GET(self):
        if self.path == "/health":
            self.answer("text/plain", RELEASE + "\n")
        elif self.path == "/":
            page = pathlib.Path("page.html").read_text(encoding="utf-8")
            self.answer("text/html", string.Template(page).safe_substitute(
                version=VERSION, release=RELEASE,
                greeting=os.environ.get("GREETING", "Hello")))
        else:
            self.send_error(404)

    def answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind + "; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for the answers begun


def listening_socket():
    """What systemd passed (sd_listen_fds(3)), or one of our own."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=3)
    return socket.create_server(
        ("127.0.0.1", int(os.environ.get("PORT", "3000"))), backlog=128)


def tell_systemd(text):
    """Type=notify: `systemctl restart` fails if a release does not come up."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(text.encode(), re.sub("^@", "\0", path))


def main():
    server = Server(None, Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening_socket()
    # shutdown() waits for the loop, which runs in the thread of the handler.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(
        target=server.shutdown).start())
    tell_systemd("READY=1")
    server.serve_forever(poll_interval=0.1)
    tell_systemd("STOPPING=1")
    server.server_close()


if __name__ == "__main__":
    main()
