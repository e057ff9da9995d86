"""The codes of what is left: what each one means, and the way out."""

from __future__ import annotations

REFUSALS = {
    "allowed-values": "The parameter takes one of a list of values, so a generated one would not "
    "be among them. Remove AllowedValues from it and run again.",
    "breaks-json": "The user name, or another value of the secret, holds characters that would "
    "break the secret's JSON. Write that value without quotes and backslashes.",
    "cannot-be-proven": "The edited text could not be proven to be what was planned, because a "
    "second YAML reader refuses it. Edit this place by hand, or write it more plainly.",
    "cannot-edit": "The text at this place cannot be changed soundly (an anchor, a merge key, an "
    "unusual spelling), or the file cannot be written. Do what the reason says, then run again.",
    "carrier-only": "The parameter only passes through secrets and the like; nothing that AWS "
    "creates takes its value as a password. Fill the secret outside of the template.",
    "circular": "The generated secret would need something that needs the secret itself. Break "
    "the circle: give the user name or tag as a parameter or a constant.",
    "composed-credential": "The credential is put together from several parts, or by a function. "
    "Pass the whole password as one String parameter with NoEcho and run again.",
    "credential-not-taken": "Another property of the resource says that the service takes no such "
    "credential. Remove the credential, or change that property.",
    "declined": "The ids that were given with --only or --skip leave this repair out. Run again "
    "without them, or with its own id, if it is to be made.",
    "duplicate-key": "A key stands twice in the same mapping, so it is unclear which one counts. "
    "Remove one of them.",
    "export-malformed": "The Export of an output is neither a mapping with the one key Name nor a "
    "name. Write `Export:` with `Name:` below it.",
    "export-name-dependent": "The name of an export depends on a resource, an import or "
    "Fn::GetAZs, which CloudFormation refuses. Build it of parameters, `${AWS::StackName}` and "
    "text.",
    "export-name-invalid": "The name of an export holds characters that CloudFormation refuses, "
    "or too many. Use letters, digits, colons and hyphens, 255 at the most.",
    "export-name-twice": "Two outputs export the same name, which an account has once in a Region. "
    "Rename the export that nobody imports yet.",
    "external-credential": "The credential belongs to something outside the stack and must not be "
    "generated. Store it in Secrets Manager and write a dynamic reference to it.",
    "given-a-reference": "Another file gives the parameter a reference to a secret or to the "
    "parameter store, so the password is kept in one place already. Leave it, or let the template "
    "read that secret itself.",
    "hand-made-secret": "A hand-made secret holds the password, and the strategy has no secret of "
    "the template. Remove that secret and let its readers read the other one, or generate it.",
    "is-user-name": "The parameter is a user name as well, which no generated password can be. "
    "Use a parameter of its own for the password.",
    "limits-exclude-each-other": "The uses of the password, or the limits of its parameters, here "
    "and in the templates that share it, allow no common length. Widen MinLength and MaxLength, or "
    "use one password for each.",
    "literal-used-elsewhere": "The same text stands at another place of the template, where it may "
    "be the same password. Replace both by one NoEcho parameter, or change the other text.",
    "macro": "The template is rewritten by a macro that is not known, or by an AWS::Include of a "
    "text that is not here, so what becomes of the password cannot be seen. Repair what the macro "
    "makes, or do it by hand.",
    "managed-not-possible": "The service cannot keep this password itself, or another property of "
    "the database forbids it. Use the strategy generated or reference.",
    "managed-used-elsewhere": "Something else needs the password, and the service would change it "
    "every seven days. Let that read the service's secret when it runs, or use another strategy.",
    "member-of-cluster": "The database is a member of a cluster, and the password is the "
    "cluster's. Remove the property here and repair the template that holds the cluster.",
    "name-taken": "The name that the new resource, condition or export would have is taken. Rename "
    "the one that has it.",
    "name-too-long": "A name that the repair makes would be longer than CloudFormation takes. Give "
    "the parameter, database or output that it is made of a shorter one.",
    "no-user-name": "The database has no user name that the secret could hold. Give it one "
    "(MasterUsername or its like) and run again.",
    "not-allowed": "The repair has a consequence that is not allowed in this run. If you accept "
    "it, name it with --allow; if nothing is deployed yet, use --new.",
    "not-proven": "The edited text differs from its plan, which is a defect of remediator. The "
    "file stays as it was: please report it with the template, without its secrets.",
    "null-above-comments": "Comments stand below the empty key, and would go with it. Write a "
    "value, or move the comments and run again.",
    "null-free-form": "A null stands in a value that has a language of its own (a state machine, "
    "metadata, an event pattern), where it may mean something. Write the whole as JSON text, or "
    "remove the key.",
    "null-in-list": "A null stands in a list, where its place may count. Remove the item, write "
    "its value, or within Fn::If `!Ref AWS::NoValue`.",
    "null-required": "A null stands where the template needs a value. Write it, or remove what "
    "holds it.",
    "null-undecided": "An empty Default or NoEcho of a parameter can mean two things. Write the "
    "one that is meant: `''` or no key, true or false.",
    "null-unfinished": "Nothing is written behind a key, so its value may be missing, and the "
    "template would deploy without it. Write the value, or remove the key.",
    "null-unknown": "Whether the key may be left out is not known: it stands within a property, "
    "or its type is unknown. Remove it, or write a value.",
    "other-password": "A resource logs in to a database of this template whose password is "
    "another one. Give both the same reference.",
    "other-user": "The secret holds another user name than the database or endpoint has. Write the "
    "same user name in both.",
    "parameter-type": "The parameter is not of the type String (a list, a number, an SSM "
    "parameter). Make it a String, or store the value in Secrets Manager.",
    "passed-by-caller": "Another file gives the parameter its value, fails once the parameter is "
    "gone, and cannot be changed along: it is not below the PATH, or its text does not allow it. "
    "Give the folder that holds both, or remove the parameter there first and run again; deploy "
    "both changes together.",
    "passed-to-nested-stack": "The password is passed to a nested stack, in clear. Pass the "
    "secret's ARN in its place, and let the nested template read it: "
    "'{{resolve:secretsmanager:${SecretArn}:SecretString:password}}'.",
    "passed-to-product": "The password is passed to a Service Catalog product, in clear. Let the "
    "product take the secret's ARN in place of the password.",
    "passed-to-stack-set": "The password is passed to a stack set, in clear. Let its template "
    "take the secret's ARN in place of the password; another account needs a policy on the "
    "secret, and a KMS key of yours.",
    "password-embedded": "The password stands within a longer text, where what it may hold is not "
    "known. Give it a key or a property of its own.",
    "pattern-not-met": "No generated password is sure to match the parameter's AllowedPattern, "
    "and those of parents and stacks that share its value. Remove or widen the pattern.",
    "preprocessed": "The template is filled in by a tool before CloudFormation sees it (Jinja, the "
    "Serverless Framework, envsubst and the like), so that a password is not known, or a dynamic "
    "reference would be taken for one of its placeholders. Repair what the tool makes, or let its "
    "input read a secret.",
    "read-before-attachment": "A resource reads a key of the secret before the attachment writes "
    "it. Let it take that value from the database itself, or depend on the attachment.",
    "reference-in-secret": "A value of the secret is a dynamic reference, which is not resolved "
    "within a secret. Write the value itself, or leave the key out.",
    "restored": "The database takes its password from a snapshot, a source or the service itself, "
    "not from this property. Remove the property, or the snapshot.",
    "second-opinion": "The repair would be wrong in itself, as a check of its meaning finds that "
    "knows nothing of its plan: a defect of remediator. Report it with the template, without its "
    "secrets; the other transforms' repairs are made.",
    "secret-attached": "The secret has an attachment already, which does not run again: its keys "
    "would be lost. Make a new secret for the database by hand.",
    "secret-conditional": "The secret does not exist in every mode in which it would be read. Give "
    "the secret and its readers the same condition.",
    "secret-has-own-host": "The host in the secret is not the endpoint of the database, and an "
    "attachment would overwrite it. Move it to a secret of its own, or remove it.",
    "secret-has-own-keys": "The secret holds keys of its own that an attachment would overwrite "
    "(host, port, dbname, engine). Remove them, or rename them.",
    "secret-needs-database": "The secret needs the database that is to read it: a circle. Take "
    "what comes from the database out of the secret; the attachment writes host and port.",
    "secret-not-json": "The text of the secret cannot be read as JSON, so its keys are not known. "
    "Write it as a JSON object with the keys username and password.",
    "secret-read-by-name": "The secret is read by its name, so it cannot be seen who depends on "
    "it. Read it by `!Ref` and run again.",
    "secret-read-whole": "The secret is read as a whole and would hold more afterwards. Read one "
    "key of it, `::password`, and run again.",
    "secret-rotated": "The secret is rotated already, so its password is not the template's any "
    "more. Remove the parameter from it by hand.",
    "secret-without-user": "The secret has no user name, or keeps the password under another key "
    "than an attachment needs. While nothing is deployed, give it the keys username and password, "
    "and let its readers read the key. Later any change would make a new password: leave the "
    "secret as it is and suppress the finding; what is lost is rotation.",
    "several-databases": "The secret serves several databases, but can be attached to one. Make a "
    "secret for each.",
    "several-passwords": "The secret holds several passwords, of which only one can be generated. "
    "Make a secret for each.",
    "several-secrets": "The password stands in several hand-made secrets, which would no longer be "
    "the same. Keep one and let the others' readers read it.",
    "several-users": "It is the password of several users, who would need one secret each. Use a "
    "parameter for each.",
    "shared-password": "The same password is also given to what would keep the old one when the "
    "database's is generated: another stack, the parent's own resources, another parameter file, "
    "a step of a workflow. Let that read a secret first, or use the strategy reference, by which "
    "nothing rotates.",
    "shared-secret": "The secret is read by several databases, but can be attached to one. Make a "
    "secret for each.",
    "suppressed": "The template says that this is to stay as it is, with a comment or in its "
    "Metadata. Remove that to have it repaired.",
    "suppressed-within": "The repair would take away or rewrite an entry in which another finding "
    "is suppressed. Remove that suppression, or suppress this finding as well.",
    "suppression-malformed": "A suppression is not written as one, and suppresses nothing. Write "
    "`# remediator: ignore[<transform>] <reason>`, or in Metadata.remediator.ignore a list of "
    "`transform` and `reason`.",
    "suppression-unclear": "A suppression that cannot be read, names no transform or stands at no "
    "entry may mean this finding, so nothing is repaired. Put the suppression right.",
    "suppression-unknown": "A suppression names a transform that is not there. Write an id that "
    "`remediator explain` lists.",
    "suppression-unused": "A suppression suppresses nothing, because nothing is found there any "
    "more or it stands at another entry. Remove it, or move it to the line that a report names.",
    "suppression-without-reason": "A suppression does not say why, so nobody will know whether it "
    "still holds. Write the reason behind it; until then it holds all the same.",
    "symbol-not-possible": "One use demands a special character, another one takes none. Relax the "
    "parameter's pattern, or use one password for each.",
    "template-too-large": "The template would have more bytes than CloudFormation takes. Split the "
    "template.",
    "too-many-conditions": "The conditions around the password have too many combinations to be "
    "looked at. Simplify them, or repair this one by hand.",
    "too-many-outputs": "The template would hold more outputs than CloudFormation takes. Split the "
    "template.",
    "too-many-parameters": "The template would hold more parameters than CloudFormation takes. "
    "Split the template, or remove parameters that nothing uses.",
    "too-many-references": "The template would hold more dynamic references than CloudFormation "
    "takes. Split the template.",
    "too-many-resources": "The template would hold more resources than CloudFormation takes. Split "
    "the template.",
    "unclear-credential": "Whether the property takes a password or something else depends on "
    "another property that is no constant. Write that property out.",
    "used-elsewhere": "The parameter is used where no dynamic reference is resolved. Remove this "
    "use, or let it read the secret when it runs.",
    "used-in-condition": "A condition asks for the parameter's value; most ask whether it is "
    "empty, which a generated password never is. Let the condition ask for a switch of its own "
    "and run again.",
    "used-in-custom-resource": "A custom resource is given the parameter, and would get the "
    "reference as text. Pass the secret's ARN, and let its function read the secret.",
    "used-in-function": "A function such as Fn::Split or Fn::Base64 would work on the reference's "
    "text, not on its value. Use the parameter there without the function, or let what needs the "
    "value read the secret.",
    "used-in-inline-code": "Inline code holds the parameter, and a reference would stay text in "
    "it. Give the code the secret's ARN in an environment variable, and let it read the secret "
    "when it runs.",
    "used-in-metadata": "The parameter stands in metadata (such as AWS::CloudFormation::Init), "
    "where no reference is resolved. Let a command read the secret when the machine starts.",
    "used-in-module": "The parameter is passed to a module, and what that does with it is not "
    "known. Repair the module itself.",
    "used-in-name": "A name or identifier of a resource holds the parameter, and the value would "
    "show in events, ARNs and logs. Name the resource after something else.",
    "used-in-output": "An output shows the parameter, and with it the password. Output the "
    "secret's ARN in its place: whoever may read the secret finds the password by it.",
    "used-in-rule": "A rule asks for the parameter's value. Remove the rule, or the parameter from "
    "it.",
    "used-in-secret-template": "The parameter stands in the SecretStringTemplate of another "
    "secret. Let that secret generate its password itself.",
    "used-in-userdata": "UserData holds the parameter, and no reference is resolved there. Let "
    "the script read the secret when the machine starts, and let the role of its instance profile "
    "do so.",
    "used-without-database": "The password is also used where the template makes no database of "
    "its own. Give that use a parameter of its own.",
    "user-name-is-reference": "The user name is a dynamic reference, which a secret's text must "
    "not hold. Write the user name as a constant or a parameter.",
    "validator-error": "AWS's rules engine finds an error in the repaired text that the old one "
    "lacks, so the repairs of this transform are left. Repair by hand what it names; where you "
    "know better than the engine, use --no-validate.",
    "which-database": "One password serves several databases, and which of them this use means is "
    "unclear. Give each database a parameter of its own.",
    "which-server": "Whether the server is the database of this template cannot be told. Write "
    "its name as `!GetAtt` of the database, or use a parameter of its own.",
    "within-loop": "The place is within Fn::ForEach, where an edit would be made once for every "
    "turn. Write it out of the loop, or repair it by hand.",
}

_BOOT = """\
PASSWORD=$(aws secretsmanager get-secret-value --region ${AWS::Region} \\
  --secret-id ${TheSecret} --query SecretString --output text |
  sed -n 's/.*"password": *"\\([^"]*\\)".*/\\1/p')
"""
_POWERSHELL = """\
$Secret = Get-SECSecretValue -SecretId '${TheSecret}' -Region '${AWS::Region}'
$Password = ($Secret.SecretString | ConvertFrom-Json).password
"""
_STATEMENT = """\
- Effect: Allow
  Action: secretsmanager:GetSecretValue
  Resource: !Ref TheSecret
"""
EXAMPLES = {
    "passed-to-nested-stack": "PasswordSecretArn: !Ref TheSecret\n",
    "used-in-custom-resource": "SecretArn: !Ref TheSecret\n\n" + _STATEMENT,
    "used-in-inline-code": "SECRET_ARN: !Ref TheSecret\n\n" + _STATEMENT,
    "used-in-metadata": _BOOT + "\n" + _STATEMENT,
    "used-in-output": "Value: !Ref TheSecret\n",
    "used-in-userdata": _BOOT + "\n" + _POWERSHELL + "\n" + _STATEMENT,
}
"""What to write, for some of the codes, as lines of YAML or of a script in `Fn::Sub`."""
