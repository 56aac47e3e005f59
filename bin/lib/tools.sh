# What the tests need besides Rust and Node: found, or installed where apt can, or asked for in a sentence. Nothing is skipped.
# It is sourced after house.sh.

# Prints the folder with PostgreSQL's server programs. Debian keeps them out of PATH, one folder a version; the newest is taken.
postgres_programs() {
  local folder program
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort --version-sort --reverse) \
    "$(dirname -- "$(readlink -f -- "$(command -v initdb)")")"; do
    for program in initdb pg_ctl postgres psql; do
      [ -x "$folder/$program" ] || continue 2
    done
    printf '%s\n' "$folder"
    return
  done
  return 1
}

chromium_program() {
  local program
  for program in ${CHROMIUM:+"$CHROMIUM"} /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
    if [ -x "$program" ]; then
      printf '%s\n' "$program"
      return
    fi
  done
  return 1
}

# Without a Chinese font the pages are rows of empty boxes, and widths in the browser tests mean nothing.
have_chinese_font() {
  command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh)" ]
}

have_node() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    node --eval 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 11) ? 0 : 1)'
}

# `missing_packages rust|e2e…` prints the Debian packages that those parts of the tests still lack, one a line.
missing_packages() {
  have_cc || printf '%s\n' gcc libc6-dev
  local part
  for part in "$@"; do
    case $part in
      rust)
        postgres_programs >/dev/null || echo postgresql
        ;;
      e2e)
        chromium_program >/dev/null || echo chromium
        have_chinese_font || printf '%s\n' fontconfig fonts-noto-cjk
        ;;
    esac
  done
}

# Megabytes that a first run writes: 4,800 where cargo builds, 3,400 in PostgreSQL, the packages of npm. A disk that
# fills up in the middle says so in the words of a linker.
room_of_first_run=9000

need_room() {
  local free
  free=$(df -P -k "$root" | awk 'NR == 2 { print int($4 / 1024) }')
  [ -d "$target/debug" ] || [ "$free" -ge "$room_of_first_run" ] ||
    fail "There are $free MB free on this disk, and a first run writes about $room_of_first_run. Make room, and run it again."
}

need_tools() {
  need_cargo
  need_room
  [ -z "${CHROMIUM:-}" ] || [ -x "$CHROMIUM" ] || fail "CHROMIUM is '$CHROMIUM', and there is no program of that name."
  case " $* " in
    *' e2e '*) have_node || fail "Node.js 20.11 or newer, with npm, is missing; the browser tests run on it. Install it from https://nodejs.org or from your distribution." ;;
  esac

  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ "${#missing[@]}" != 0 ]; then
    install_packages "${missing[@]}"
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" = 0 ] || fail "Still missing after the installation: ${missing[*]}."
  fi
}

install_packages() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    as_root=(sudo -n)
  fi
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    fail "Missing for the tests (by their Debian names): $*. This script installs them where there is apt-get and it is root or may use sudo without a password; here, install them yourself and run it again."
  fi
  echo "Missing: $*. Installing with apt-get, which takes a minute or two."
  # A thousand lines of progress are left out; what went wrong is said on the other stream.
  "${as_root[@]}" apt-get update --quiet >/dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "$@" >/dev/null
}

# Fetches what the browser tests need, from the repository's root. The copy of the lock file is written last: a folder that
# holds an equal one is complete.
node_packages() {
  local installed=tests/e2e/node_modules/.installed-lock.json
  if cmp --silent tests/e2e/package-lock.json "$installed"; then
    echo 'Already installed as the lock file says.'
    return
  fi
  npm --prefix tests/e2e ci --no-audit --no-fund
  cp tests/e2e/package-lock.json "$installed"
}
