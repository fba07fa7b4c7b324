@auth
Feature: Only those who may, do
  A refusal says in which respect it is one, and leaves the ticket as it was.

  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher
    And I create a ticket "Door will not latch"

  Scenario Outline: A <who> may not triage
    Given I am the <who>
    When I try to triage it as URGENT "DOOR_WONT_LATCH"
    Then it is refused with <status> <code>
    And the ticket is NEW
    And the ticket has 1 transition and 1 audit event

    Examples:
      | who        | status | code                |
      | customer   | 403    | FORBIDDEN           |
      | technician | 403    | FORBIDDEN           |
      | finance    | 403    | FORBIDDEN           |
      | outsider   | 403    | FORBIDDEN_SCOPE     |
      | forger     | 401    | INVALID_AUTH_TOKEN  |
      | latecomer  | 401    | INVALID_AUTH_CLAIMS |

  Scenario: Someone of another account does not even see the ticket
    Given I am the outsider
    When I read the timeline
    Then it is refused with 403 FORBIDDEN_SCOPE in the dimension scope

  Scenario: A tool is for its own endpoint only
    When I read the timeline with the tool schedule.confirm
    Then it is refused with 403 TOOL_NOT_ALLOWED in the dimension tool

  Scenario: The cockpit is the dispatcher's
    Given I am the technician
    When I get "dispatch-api/ux/dispatcher/cockpit"
    Then it is refused with 403 FORBIDDEN in the dimension role
