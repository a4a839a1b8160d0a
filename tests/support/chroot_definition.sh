#!/usr/bin/env bash
# Carries out an Apptainer definition where there is no Apptainer: each stage in a chroot made from a folder with a
# minimal Debian, its %files, %post and (in the last) %test as written. Not part of ctest: it needs root, a network and
# some minutes.
#
#   debootstrap --variant=minbase bookworm BASE
#   git archive --prefix=rest/ -o build/rest.tar.gz HEAD
#   tests/support/chroot_definition.sh jobs/rest.def BASE WORK     # stages in WORK/build, WORK/final
#
# Proxies, and certificates under /usr/local/share/ca-certificates, are those of this machine; so is the compiler cache,
# where REST_CCACHE names its folder.
set -euo pipefail
definition=$1 base=$2 work=$3
[[ $EUID -eq 0 ]] || { echo "error: chroot needs root" >&2; exit 1; }

# section STAGE NAME: its lines; "header" stands for what comes before the first section.
section() {
  awk -v stage="$1" -v name="$2" '
    /^Bootstrap:/ { current = ""; inside = "header" }
    /^Stage:/ { current = $2 }
    /^%/ { inside = substr($1, 2); source = $3; if (inside == name && current == stage && source) print "from " source; next }
    inside == name && current == stage { print }' "$definition"
}

passed_on=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
for name in http_proxy https_proxy no_proxy PIP_CERT; do
  [[ -z ${!name:-} ]] || passed_on+=("$name=${!name}")
done
[[ -z ${REST_CCACHE:-} ]] || passed_on+=(CCACHE_DIR=/ccache CCACHE_BASEDIR=/opt)

# in_chroot ROOT COMMAND...: what is mounted for it is gone with its mount namespace.
in_chroot() {
  # shellcheck disable=SC2016
  unshare --mount --pid --fork bash -c '
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" || exit
    [[ -z $2 ]] || { mkdir -p "$1/ccache" && mount --bind "$2" "$1/ccache"; } || exit
    exec chroot "$1" env -i "${@:3}"' in_chroot "$1" "${REST_CCACHE:-}" "${passed_on[@]}" "${@:2}"
}

mapfile -t stages < <(awk '/^Stage:/ { print $2 }' "$definition")
mkdir -p "$work"
for stage in "${stages[@]}"; do
  root=$work/$stage begin=$SECONDS
  echo "== stage $stage"
  rm -rf --one-file-system "$root"
  cp -a "$base" "$root"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
  from=''
  while read -r source target; do
    case $source in
      '') ;;
      from) from=$work/$target ;;
      *)
        mkdir -p "$root/$(dirname "${target:-$source}")"
        cp -a "$from${from:+/}$source" "$root/${target:-$source}"
        ;;
    esac
  done < <(section "$stage" files)
  in_chroot "$root" /bin/sh -e -c "$(section "$stage" post)"
  echo "== stage $stage: $((SECONDS - begin)) s, $(du -sxh "$root" | cut -f1)"
done

echo "== test"
in_chroot "$root" /bin/sh -e -c "$(section "$stage" environment)
$(section "$stage" test)"
echo "== run"
in_chroot "$root" /bin/sh -e -c "$(section "$stage" environment)
$(section "$stage" runscript)"
