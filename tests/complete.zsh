# complete.zsh - what zsh offers for a command line: FOLDER of _img, then the
# line.  An interactive zsh runs on a pseudo-terminal, and what it would show
# is caught where compadd is called.
zmodload zsh/zpty || exit 2
zpty z zsh -f -i
zpty -w z "unsetopt prompt_cr prompt_sp; PS1=; fpath=(${(q)1} \$fpath)
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' verbose yes
compadd() {
	local -a all shown
	if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd \"\$@\"
		return
	fi
	builtin compadd -A all \"\$@\"
	print -rl -- \"OFFER \"\${^all}
	builtin compadd \"\$@\"
}
bindkey '^I' complete-word
zle-line-init() { print -r -- READY-TO'' }
zle -N zle-line-init"
# Not before the line editor reads: what comes earlier can get lost.
while zpty -r z line; do [[ $line == *READY-TO* && $line != *print* ]] && break; done
zpty -n -w z "$2"$'\t'
zpty -w z $'\x15print THE-''END'
while zpty -r z line; do
	line=${line%$'\r\n'}
	[[ $line == *OFFER\ * ]] && print -r -- "${line#*OFFER }"
	[[ $line == *THE-END* && $line != *print* ]] && break
done
zpty -d z
