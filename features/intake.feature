@intake
Feature: A caller nobody has checked becomes one ticket
  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher

  Scenario: The same caller twice is one ticket
    Given a caller known 75 % and understood 72 %
    When the same caller spells everything differently
    Then it is refused with 409 DUPLICATE_INTAKE in the dimension identity
    And there is 1 ticket

  Scenario Outline: A caller known <known> % and understood <understood> % is not scheduled
    Given a caller known <known> % and understood <understood> %
    When I try to make it ready to schedule
    Then it is refused with 409 <code>
    And the ticket is TRIAGED

    Examples:
      | known | understood | code                          |
      | 20    | 20         | LOW_IDENTITY_CONFIDENCE       |
      | 95    | 30         | LOW_CLASSIFICATION_CONFIDENCE |
      | 95    | 95         | SOP_HANDOFF_REQUIRED          |

  Scenario: A hand-over that someone acknowledged lets the caller through
    Given a caller known 95 % and understood 96 %
    When I acknowledge the hand-over and make it ready to schedule
    Then the status is 200
    And the ticket is READY_TO_SCHEDULE

  Scenario: A ticket that a person wrote is not held up
    When I create a ticket "Door will not latch"
    And I try to make it ready to schedule
    Then the ticket is READY_TO_SCHEDULE
