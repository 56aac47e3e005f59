# What every script in bin/ begins with: where the house stands, where cargo builds, and how a script says what is wrong.
# It is sourced, never run.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

# Cargo reads a relative CARGO_TARGET_DIR from where it is started, which is always $root here.
target=${CARGO_TARGET_DIR:-target}
case $target in
  /*) ;;
  *) target=$root/$target ;;
esac

# A shell that read no profile (a CI runner, cron) does not know where rustup put cargo.
if ! command -v cargo >/dev/null && [ -x "${HOME:-/root}/.cargo/bin/cargo" ]; then
  PATH=${HOME:-/root}/.cargo/bin:$PATH
fi

bold='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

fail() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# Seconds as people say them.
took() {
  if [ "$1" -lt 60 ]; then
    printf '%d s' "$1"
  else
    printf '%d min %d s' $(($1 / 60)) $(($1 % 60))
  fi
}

need_cargo() {
  command -v cargo >/dev/null || fail "cargo is missing. Install Rust from https://rustup.rs (in mainland China from https://rsproxy.cn), open a new shell, and run this again."
}

# SQLite and libpq are compiled in, so a C compiler with its headers is needed and no database library is.
have_cc() {
  command -v cc >/dev/null && printf '#include <stdio.h>\n' | cc -x c -fsyntax-only - 2>/dev/null
}

need_cc() {
  have_cc || fail "A C compiler (cc with the C library's headers) is missing; SQLite and libpq are compiled in. On Debian or Ubuntu: apt-get install gcc libc6-dev. On Fedora: dnf install gcc. On macOS: xcode-select --install."
}

# Fetches the camera's decoder as package-lock.json says. The copy of the lock file is written last: a folder that holds an
# equal one is complete. build.rs asks for the decoder again when package.json is newer.
carried_packages() {
  local installed=$root/node_modules/.installed-lock.json
  if cmp --silent "$root/package-lock.json" "$installed"; then
    return
  fi
  command -v npm >/dev/null || fail "npm is missing; it fetches the fonts of papers and what decodes the camera's pictures. Install Node.js 20.11 or newer from https://nodejs.org or from your distribution."
  npm --prefix "$root" ci --ignore-scripts --no-audit --no-fund
  cp "$root/package-lock.json" "$installed"
  touch "$root/package.json"
}
