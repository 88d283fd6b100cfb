"""Answers each line on standard input, [arguments, environment] as JSON, with what the AWS CLI does with them.

The CLI is imported once. Each call is a fork with the environment of that call, and nothing else of an earlier one.
"""
import json
import os
import sys
import tempfile
import traceback

import awscli.clidriver


def answer(arguments, environment):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            call(arguments, environment, out, err)
        _, status = os.waitpid(child, 0)
        return {'code': os.waitstatus_to_exitcode(status), 'stdout': text(out), 'stderr': text(err)}


def call(arguments, environment, out, err):
    code = 1
    try:
        # Where the CLI's data is: its import writes that into the environment.
        data = {name: os.environ[name] for name in ('AWS_DATA_PATH',) if name in os.environ}
        os.environ.clear()
        os.environ.update({**environment, **data})
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.argv = ['aws', *arguments]
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def text(file):
    file.seek(0)
    return file.read().decode()


for line in sys.stdin:
    print(json.dumps(answer(*json.loads(line))), flush=True)
