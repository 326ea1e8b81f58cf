#!/bin/sh
# A first conversation, in folders of its own: nothing of yours is read or changed. Run it with `make demo`.
set -eu

home=$(mktemp -d)
export XDG_CONFIG_HOME="$home/config" XDG_STATE_HOME="$home/state" XDG_CACHE_HOME="$home/cache"
trap 'otto ask "cancel all timers" >/dev/null 2>&1 || true; rm -rf "$home"' EXIT

say() {
    printf '\n› %s\n' "$1"
    otto ask "$1"
}

echo "Otto learns its skills (a few seconds, the first time only) ..."
otto ask --dry-run "hello" >/dev/null 2>&1 || true

say "what's nine times nine"
say "set a timer for ten minutes"
say "which timers are running"
say "what time is it in tokyo"

echo
echo "A new skill is an example file. This one goes to $home/config/otto/examples/lights_examples.txt:"
mkdir -p "$home/config/otto/examples"
tee "$home/config/otto/examples/lights_examples.txt" <tests/data/lights_examples.txt

say "turn the living room lights off"

echo
echo "And by voice: a recording in place of the microphone, transcribed on this machine with nothing downloaded."
otto listen --once --voice none --input tests/data/speech/lights.flac

echo
otto history
