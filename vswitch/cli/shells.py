"""The scripts that teach a shell to complete `vswitch`: each asks `vswitch completion candidates`.

A candidate is a word, a tab and what it means; ":files" stands for the names of files.
"""

from __future__ import annotations

from collections.abc import Mapping

BASH = r"""# Completion of vswitch for bash; from `vswitch completion bash`.
_vswitch() {
    local line=${COMP_LINE:0:COMP_POINT} word prefix
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        if [[ $word == :files ]]; then
            compopt -o default -o filenames 2> /dev/null
        else
            COMPREPLY+=("$word")
        fi
    done < <("${words[0]/#\~/$HOME}" completion candidates -- "${words[@]:1}" 2> /dev/null)
    # Readline replaces what stands behind the last of : and =, if these break words.
    prefix=${words[-1]%"${words[-1]##*[:=]}"}
    [[ $COMP_WORDBREAKS == *:* ]] || prefix=${prefix%"${prefix##*=}"}
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}
complete -F _vswitch vswitch
"""

ZSH = r"""#compdef vswitch
# Completion of vswitch for zsh; from `vswitch completion zsh`.
_vswitch() {
    local -a typed found described
    local line
    typed=("${(@Q)words[2,CURRENT]}")
    found=("${(@f)$("${(Q)words[1]}" completion candidates -- "${typed[@]}" 2> /dev/null)}")
    for line in $found; do
        if [[ $line == :files* ]]; then
            _files
        elif [[ -n $line ]]; then
            described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        fi
    done
    _describe -V vswitch described
}
if [[ $funcstack[1] == _vswitch ]]; then
    _vswitch "$@"
else
    compdef _vswitch vswitch
fi
"""

FISH = r"""# Completion of vswitch for fish; from `vswitch completion fish`.
function __vswitch_candidates
    set -l line (commandline -opc)
    set -l last (commandline -ct)
    set -l found ($line[1] completion candidates -- $line[2..-1] "$last" 2> /dev/null)
    string match -q -- ':files*' $found; and __fish_complete_path "$last"
    string match -v -- ':files*' $found
end
complete -c vswitch -f -a '(__vswitch_candidates)'
"""

SCRIPTS: Mapping[str, str] = {"bash": BASH, "zsh": ZSH, "fish": FISH}
"""Shell -> its script."""
