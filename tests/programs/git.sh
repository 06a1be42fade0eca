#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git.sh - git: init, add, commit, branches, merge, clone, gc, fsck
. "$(dirname "$0")/lib.sh"

compare "init, add, commit, branch, merge, log, clone, fsck, gc" 200 -u -x '\.git/(index|logs|COMMIT_EDITMSG|ORIG_HEAD|objects/(pack|info))' <<'END'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@x GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000' GIT_PAGER=cat
git init -q -b main repo; cd repo
for i in $(seq 300); do mkdir -p d$((i % 10)); seq $i > d$((i % 10))/f$i; done
git add -A; git commit -qm first; git rev-parse HEAD; git ls-files -s | sha256sum; git status --short
git checkout -qb side; echo side > side; sed -i 's/1/one/' d1/f1; git add -A; git commit -qm side; git checkout -q main
echo main > main; git add main; git commit -qm main; git merge -q --no-edit side; git rev-parse HEAD; git log --oneline --graph | cat
echo conflict1 > x; git add x; git commit -qm x; git checkout -q side; echo conflict2 > x; git add x; git commit -qm y; git merge main; echo "merge $?"; git status --short | head -3; git merge --abort
git checkout -q main; git mv d2 moved; git rm -q d3/f3; git commit -qm moved; git diff --stat HEAD~1 | tail -1; git blame -s d1/f1 | tail -1; git stash list; echo dirty >> main; git stash -q; git stash pop -q; git checkout -q -- .
git tag -a -m tag v1; git describe; git grep -c one | head -2; git archive HEAD | tar -t | wc -l; git format-patch -q -1 --stdout | sha256sum; git bisect start -q HEAD HEAD~3 > /dev/null && git bisect reset -q
cd ..; git clone -q repo clone; git -C clone log --oneline | wc -l; git -C clone fsck --full; git clone -q --bare repo bare.git; cd clone; echo new > new; git add new; git commit -qm new; git push -q ../bare.git HEAD:refs/heads/new; git -C ../bare.git branch | cat
cd ../repo; git gc -q; git fsck --full; git count-objects -v | grep -v size; git worktree add -q ../wt side; ls ../wt | head -3; git worktree remove ../wt; cd ..; rm -rf clone/.git bare.git
END
finish
