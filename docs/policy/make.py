#!/usr/bin/env python3
"""Print the policy file of the role maintenance_operator for the release that is installed here.

    make.py nova        on a machine with nova-api
    make.py neutron     on a machine with neutron-server

Nova and Neutron ask one rule, in code, before they let anybody see what belongs to other projects.
The role must be in it, so every rule that leans on it is given back to those who had it before, but
for what is granted. Rules of a newer release are taken from its own code: they stay with admins.
"""
import sys

ROLE = 'role:maintenance_operator'

NOVA = {
    'Hosts: find them, take them out of scheduling and back': (
        'os_compute_api:os-services:list',
        'os_compute_api:os-services:update',
        'os_compute_api:os-hypervisors:list-detail',
        'os_compute_api:os-hypervisors:show',
        'os_compute_api:os-aggregates:index',
    ),
    'Servers of every project, with their host': (
        'os_compute_api:servers:detail',
        'os_compute_api:servers:detail:get_all_tenants',
        'os_compute_api:servers:allow_all_filters',
        'os_compute_api:servers:show',
        'os_compute_api:servers:show:host_status',
        'os_compute_api:os-extended-server-attributes',
        'os_compute_api:os-flavor-extra-specs:index',
        'os_compute_api:servers:show:flavor-extra-specs',
        'os_compute_api:os-server-groups:index',
        'os_compute_api:os-server-groups:index:all_projects',
    ),
    'Moves: start, watch, end': (
        'os_compute_api:os-migrate-server:migrate_live',
        'os_compute_api:os-migrate-server:migrate_live:host',
        'os_compute_api:os-migrate-server:migrate',
        'os_compute_api:os-migrate-server:migrate:host',
        'os_compute_api:servers:confirm_resize',
        'os_compute_api:servers:revert_resize',
        'os_compute_api:os-migrations:index',
        'os_compute_api:os-migrations:index:all_projects',
        'os_compute_api:os-migrations:index:host',
        'os_compute_api:servers:migrations:index',
        'os_compute_api:servers:migrations:index:host',
        'os_compute_api:servers:migrations:delete',
        'os_compute_api:os-instance-actions:list',
        'os_compute_api:os-instance-actions:show',
        'os_compute_api:os-instance-actions:events',
        'os_compute_api:os-instance-actions:events:details',
    ),
    'What an owner may agree to instead of a move': (
        'os_compute_api:os-shelve:shelve_offload',
        'os_compute_api:servers:stop',
        'os_compute_api:servers:start',
    ),
    'The status link in an instance, with LULL_STATUS_IN_METADATA': (
        'os_compute_api:server-metadata:update',
        'os_compute_api:server-metadata:delete',
    ),
}

NEUTRON = {
    'Ports of every project, and where they are bound': (
        'get_port',
        'get_port:binding:host_id',
        'get_port:binding:vif_type',
        'get_port:binding:profile',
        'get_port_binding',
    ),
    'Agents on the hosts': (
        'get_agent',
    ),
}


def nova():
    from nova import policies
    return {
        'rules': policies.list_rules(),
        'granted': NOVA,
        'gate': 'context_is_admin',
        'base': {
            'context_is_admin': 'role:admin or ' + ROLE,
            'admin_api': 'role:admin',
            'admin_or_owner': 'role:admin or project_id:%(project_id)s',
            'project_member_or_admin': 'rule:project_member_api or role:admin',
            'project_reader_or_admin': 'rule:project_reader_api or role:admin',
        },
        'before': {'rule:context_is_admin': 'role:admin', 'is_admin:True': 'role:admin'},
    }


def neutron():
    from neutron.conf import policies
    return {
        'rules': policies.list_rules(),
        'granted': NEUTRON,
        'gate': 'context_is_advsvc',
        'base': {'context_is_advsvc': 'role:advsvc or ' + ROLE},
        'before': {'rule:context_is_advsvc': 'role:advsvc'},
        # Older releases have no rule for these, and answer anybody but an admin with a 500.
        'unnamed': {verb + '_port_binding': 'rule:admin_only'
                    for verb in ('get', 'create', 'update', 'delete')},
    }


def in_force(rule):
    """Unless told otherwise a rule is also what it was before it was deprecated."""
    checks = [rule.check_str]
    if rule.deprecated_rule and rule.deprecated_rule.check_str != rule.check_str:
        checks.append(rule.deprecated_rule.check_str)
    return ' or '.join('(%s)' % check for check in checks) if len(checks) > 1 else checks[0]


def lines(rules, granted, gate, base, before, unnamed={}):
    checks = {**unnamed, **{rule.name: in_force(rule) for rule in rules}}
    yield '# Made by make.py; docs/credentials.md explains it.'
    yield '\n# The code lets only %s see what belongs to other projects.' % gate
    for name, check in base.items():
        yield '"%s": "%s"' % (name, check)
    for title, names in granted.items():
        yield '\n# %s.' % title
        for name in names:
            if name in checks:
                yield '"%s": "%s or %s"' % (name, checks[name], ROLE)
    yield '\n# Not for the role.'
    names = {name for group in granted.values() for name in group} | set(base)
    for name, check in sorted(checks.items()):
        old = check
        for gate_check, who in before.items():
            check = check.replace(gate_check, who)
        if name not in names and (check != old or name in unnamed):
            yield '"%s": "%s"' % (name, check)


def main():
    services = {'nova': nova, 'neutron': neutron}
    if sys.argv[1:] not in [[name] for name in services]:
        sys.exit(__doc__)
    print('\n'.join(lines(**services[sys.argv[1]]())))


if __name__ == '__main__':
    main()
