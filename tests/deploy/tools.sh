# Puts the Python tools of requirements.txt, exactly those versions, into
# target/deploy-tools and on the PATH. Sourced from the root of the repository.
tools=target/deploy-tools
if ! cmp -s tests/deploy/requirements.txt "$tools/requirements.txt"; then
    python3 -m venv --clear "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check -r tests/deploy/requirements.txt
    cp tests/deploy/requirements.txt "$tools/"
fi
PATH=$PWD/$tools/bin:$PATH
