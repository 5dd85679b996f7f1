# For every interactive shell. JupyterLab's terminals are no login shells, and show no message of the day by themselves.
case $- in *i*) ;; *) return ;; esac
PS1='\u@\h:\w\$ '
if [ -t 1 ] && [ -z "${JLD_MOTD_SHOWN:-}" ]; then
  export JLD_MOTD_SHOWN=1
  cat /etc/motd "$XDG_RUNTIME_DIR/repositories" 2>/dev/null
fi
