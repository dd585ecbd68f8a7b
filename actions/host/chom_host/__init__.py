"""chom-host: all that the bot's SSH key can run on a server, and why a job there happens at most once.

sshd starts it by a forced command, packed into one file; it speaks PROTOCOL.md. It has to run on a bare server, so it
is standard library only, runs on Python 3.9, and its modules import each other relatively and nothing else. From the
ground up: base, settings, files; redaction, arguments, processes, fence; work (what a job has in its hands), archives,
fastcgi, server (what lies there); verbs (what a job can do); run and jobs (claim, state, the forked process); channel,
uploads and main (the way in).

What holds whatever is killed, and where:
- A claim is a directory renamed into place, and it names its process before that process is let go: a job without a
  live process of that name and without a result is lost, never running for ever and never begun twice.
- The fence is checked, and the claim made, under one flock.
- A job is a fork in a session of its own: it outlives this program and the connection. Its output goes to files, so
  that a command does not die of a broken pipe when its watcher does.
- Nothing here meets a shell, and no path or service name comes over the wire.
"""
