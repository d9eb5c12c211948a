"""Print, as JSON, the rules of Nova that let the role maintenance_operator through, on a server of
another project, and would not let a user through who has no role: allowed.py POLICY_FILE
"""
import json
import os
import sys

from nova import conf
from nova import context
from nova import policies
from nova import policy

THEIRS = {'project_id': 'theirs', 'user_id': 'theirs'}


def passed_by(role):
    who = context.RequestContext(user_id='ours', project_id='ours', roles=[role])
    return {rule.name for rule in policies.list_rules()
            if policy.authorize(who, rule.name, THEIRS, do_raise=False)}


def main():
    conf.CONF([], project='nova', default_config_files=[])
    policy.init(policy_file=os.path.abspath(sys.argv[1]), suppress_deprecation_warnings=True)
    print(json.dumps(sorted(passed_by('maintenance_operator') - passed_by('nobody'))))


if __name__ == '__main__':
    main()
